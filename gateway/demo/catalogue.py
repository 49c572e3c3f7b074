"""The products that the demo's wholesalers sell, with prices as in Kathmandu's wholesale markets."""

from __future__ import annotations

from dataclasses import dataclass

RICE = "RICE-1KG"
MUSTARD_OIL = "MUSTARD-OIL-1L"


@dataclass(frozen=True, slots=True)
class Product:
    """One product: ``rupees`` is the usual wholesale price of a unit, ``usual`` what a middling shop orders of it."""

    code: str
    name: str
    unit: str
    category: str
    rupees: int
    usual: int


PRODUCTS = (
    Product(RICE, "Sona Mansuli Rice 1 kg", "packet", "Rice", 90, 40),
    Product("RICE-25KG", "Sona Mansuli Rice 25 kg", "sack", "Rice", 2050, 6),
    Product("BASMATI-5KG", "Basmati Rice 5 kg", "bag", "Rice", 850, 6),
    Product("JIRA-MASINO-20KG", "Jira Masino Rice 20 kg", "sack", "Rice", 2300, 5),
    Product("CHIURA-1KG", "Beaten Rice (Chiura) 1 kg", "packet", "Rice", 110, 20),
    Product("MASOOR-DAL-1KG", "Red Lentils (Masoor Dal) 1 kg", "packet", "Lentils", 155, 25),
    Product("MOONG-DAL-1KG", "Mung Beans (Moong Dal) 1 kg", "packet", "Lentils", 185, 20),
    Product("CHANA-DAL-1KG", "Split Chickpeas (Chana Dal) 1 kg", "packet", "Lentils", 145, 20),
    Product("RAHAR-DAL-1KG", "Pigeon Peas (Rahar Dal) 1 kg", "packet", "Lentils", 225, 15),
    Product("KALO-DAL-1KG", "Black Gram (Kalo Dal) 1 kg", "packet", "Lentils", 170, 15),
    Product(MUSTARD_OIL, "Mustard Oil 1 l", "bottle", "Oil and ghee", 280, 24),
    Product("SUNFLOWER-OIL-1L", "Sunflower Oil 1 l", "pouch", "Oil and ghee", 245, 24),
    Product("SOYBEAN-OIL-1L", "Soybean Oil 1 l", "pouch", "Oil and ghee", 215, 24),
    Product("GHEE-500ML", "Cow Ghee 500 ml", "jar", "Oil and ghee", 520, 6),
    Product("SUGAR-1KG", "Sugar 1 kg", "packet", "Sugar and salt", 95, 40),
    Product("SUGAR-50KG", "Sugar 50 kg", "sack", "Sugar and salt", 4500, 2),
    Product("SALT-1KG", "Iodised Salt 1 kg", "packet", "Sugar and salt", 25, 40),
    Product("FLOUR-5KG", "Wheat Flour (Atta) 5 kg", "bag", "Flour", 330, 10),
    Product("MAIDA-1KG", "Fine Flour (Maida) 1 kg", "packet", "Flour", 75, 20),
    Product("BESAN-500G", "Gram Flour (Besan) 500 g", "packet", "Flour", 95, 12),
    Product("NOODLES-CARTON", "Instant Noodles, 30 packets", "carton", "Noodles and snacks", 540, 12),
    Product("CHOWMEIN-CARTON", "Chowmein Noodles, 20 packets", "carton", "Noodles and snacks", 760, 5),
    Product("BISCUITS-CARTON", "Glucose Biscuits, 48 packets", "carton", "Noodles and snacks", 430, 8),
    Product("DALMOTH-400G", "Dalmoth 400 g", "packet", "Noodles and snacks", 130, 15),
    Product("CRISPS-CARTON", "Potato Crisps, 36 packets", "carton", "Noodles and snacks", 650, 4),
    Product("TEA-500G", "Ilam Tea 500 g", "packet", "Tea and drinks", 260, 12),
    Product("COFFEE-50G", "Instant Coffee 50 g", "jar", "Tea and drinks", 210, 8),
    Product("MILK-POWDER-500G", "Milk Powder 500 g", "packet", "Tea and drinks", 435, 8),
    Product("JUICE-1L", "Mango Drink 1 l, 12 bottles", "carton", "Tea and drinks", 1380, 3),
    Product("WATER-1L", "Mineral Water 1 l, 12 bottles", "carton", "Tea and drinks", 180, 15),
    Product("TURMERIC-200G", "Turmeric Powder 200 g", "packet", "Spices", 75, 15),
    Product("CUMIN-200G", "Cumin (Jeera) 200 g", "packet", "Spices", 165, 12),
    Product("CHILLI-200G", "Chilli Powder 200 g", "packet", "Spices", 120, 12),
    Product("MEAT-MASALA-50G", "Meat Masala 50 g", "packet", "Spices", 45, 24),
    Product("SOAP-BATH-125G", "Bath Soap 125 g", "piece", "Soap and care", 55, 36),
    Product("SOAP-LAUNDRY-250G", "Laundry Soap 250 g", "piece", "Soap and care", 35, 48),
    Product("DETERGENT-1KG", "Washing Powder 1 kg", "packet", "Soap and care", 185, 15),
    Product("SHAMPOO-180ML", "Shampoo 180 ml", "bottle", "Soap and care", 235, 8),
    Product("TOOTHPASTE-150G", "Toothpaste 150 g", "piece", "Soap and care", 130, 15),
    Product("MATCHES-BUNDLE", "Matches, bundle of 10", "bundle", "Household", 15, 30),
    Product("CANDLES-PACK", "Candles, packet of 8", "packet", "Household", 65, 12),
    Product("INCENSE-PACK", "Incense Sticks (Dhup)", "packet", "Household", 40, 24),
)
"""In an order in which the first ones are what every shop needs."""
