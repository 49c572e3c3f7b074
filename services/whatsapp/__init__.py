"""The WhatsApp service: sends the messages of queue ``whatsapp-messages``."""
