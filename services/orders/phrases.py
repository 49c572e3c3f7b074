"""The note that a retailer gets with an order that could not be confirmed, in both languages; pure."""

from __future__ import annotations

from shared.money import npr, to_rupees

_INACTIVE = {
    "ne": "तपाईंको खाता सक्रिय छैन। कृपया हामीलाई सम्पर्क गर्नुहोस्।",
    "en": "Your account is not active. Please contact us.",
}
_OVER_LIMIT = {
    "ne": "उधारो सीमा {amount} ले नाघ्छ। कृपया केही भुक्तानी गरेर फेरि प्रयास गर्नुहोस्।",
    "en": "Your credit limit is exceeded by {amount}. Please make a payment and try again.",
}


def refusal_note(language: str, *, active: bool, shortfall_paisa: int) -> str:
    """Why the order could not be confirmed, and what helps."""
    if not active:
        return _INACTIVE[language]
    return _OVER_LIMIT[language].format(amount=npr(to_rupees(shortfall_paisa)))
