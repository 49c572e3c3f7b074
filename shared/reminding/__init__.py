"""Payment reminders as the daily sweep and the reminders service both see them: the orders to pay and the rules."""
