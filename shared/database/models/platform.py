"""Tables of the platform's master data: retailers, vendors, products, stock, and the number sequences.

Codes are the platform's own ids; the keys called ``id`` never leave the database.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.business import LANGUAGES
from shared.database.base import Base, BigId, one_of, utc_now

CODE_LENGTH = 64
NAME_LENGTH = 200
PLACE_LENGTH = 100
EMAIL_LENGTH = 254
PHONE_LENGTH = 32
DEFAULT_TERMS_DAYS = 30


class Retailer(Base):
    """A shop that orders on credit. Whether it opted out stands in ``contact_preferences``, by phone."""

    __tablename__ = "retailers"
    __table_args__ = (
        CheckConstraint("code <> ''", name="code_given"),
        CheckConstraint("phone like '+_%'", name="phone_is_e164"),
        one_of("language", LANGUAGES),
        CheckConstraint("credit_limit_paisa >= 0", name="limit_not_negative"),
        CheckConstraint("credit_score between 300 and 900", name="score_in_range"),
        CheckConstraint("terms_days between 0 and 365", name="terms_in_range"),
        Index(None, "phone"),
        # A retailer's debt changes all the time: half of a page is for its rows' next versions.
        {"sqlite_autoincrement": True, "postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    shop_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    owner_name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    phone: Mapped[str] = mapped_column(String(PHONE_LENGTH))
    email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH))
    city: Mapped[str | None] = mapped_column(String(PLACE_LENGTH))
    state: Mapped[str | None] = mapped_column(String(PLACE_LENGTH))
    """The province."""
    language: Mapped[str] = mapped_column(String(2), default=LANGUAGES[0])
    credit_limit_paisa: Mapped[int] = mapped_column(BigInteger, default=0)
    debt_paisa: Mapped[int] = mapped_column(BigInteger, default=0)
    """What the ledger sums up to; below 0 it is the retailer's credit."""
    credit_score: Mapped[int | None]
    """The newest of its ``credit_scores``."""
    terms_days: Mapped[int] = mapped_column(default=DEFAULT_TERMS_DAYS)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Vendor(Base):
    """A wholesaler; it gets offers once it is approved, and while it is active."""

    __tablename__ = "vendors"
    __table_args__ = (
        CheckConstraint("code <> ''", name="code_given"),
        CheckConstraint("phone like '+_%'", name="phone_is_e164"),
        one_of("language", LANGUAGES),
        CheckConstraint("rating_hundredths between 0 and 500", name="rating_in_range"),
        CheckConstraint("completed_orders >= 0 and completed_value_paisa >= 0", name="totals_not_negative"),
        Index(None, "phone"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    business_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    phone: Mapped[str] = mapped_column(String(PHONE_LENGTH))
    city: Mapped[str | None] = mapped_column(String(PLACE_LENGTH))
    state: Mapped[str | None] = mapped_column(String(PLACE_LENGTH))
    """The province."""
    language: Mapped[str] = mapped_column(String(2), default=LANGUAGES[0])
    rating_hundredths: Mapped[int | None]
    """0 to 500 for 0.00 to 5.00; null for a new vendor."""
    approved: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    completed_orders: Mapped[int] = mapped_column(default=0)
    completed_value_paisa: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Product(Base):
    """A thing that can be ordered."""

    __tablename__ = "products"
    __table_args__ = (CheckConstraint("code <> ''", name="code_given"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    unit: Mapped[str | None] = mapped_column(String(CODE_LENGTH))
    category: Mapped[str | None] = mapped_column(String(PLACE_LENGTH))


class Stock(Base):
    """What a vendor has of a product, and its price for one unit."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("price_paisa >= 0", name="price_not_negative"),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        Index(None, "product_id", "vendor_id"),
    )

    vendor_id: Mapped[int] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    price_paisa: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int] = mapped_column(BigInteger)
    available: Mapped[bool] = mapped_column(default=True)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class NumberSequence(Base):
    """The last number given out under a name, such as ``ORD2611``."""

    __tablename__ = "number_sequences"
    __table_args__ = (CheckConstraint("value >= 0", name="value_not_negative"),)

    name: Mapped[str] = mapped_column(String(CODE_LENGTH), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
