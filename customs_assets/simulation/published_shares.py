"""What is published about the labelled declarations, as numbers: the targets that the simulated world is fitted to.

What belongs here is data alone, in per cent of the labelled rows unless a unit is named; the source is the paper and its
published data set. The world is raked to these shares (``world.py``), and ``calibration.py`` prints them beside what came
out.
"""

from __future__ import annotations

# Shares by value. What is missing to 100 is spread over the further values of SMALL_VALUES by their weights.
SHARES: dict[str, dict[str, float]] = {
    "office_id": {"40": 37.2, "20": 30.5, "30": 15.9, "16": 5.1, "13": 2.5, "10": 1.7},
    "import_type": {"11": 86.6, "87": 4.0, "94": 3.2, "15": 1.7},
    "import_use": {"21": 91.3, "11": 4.6, "26": 2.1},
    "payment_type": {"11": 67.6, "43": 18.5, "18": 6.6, "14": 6.0},
    "mode_of_transport": {"10": 56.6, "40": 41.1, "50": 1.6, "30": 0.4},
    "country_of_departure": {"CN": 46.3, "JP": 11.6, "US": 10.1, "DE": 4.2, "VN": 3.8, "HK": 3.4},
    "country_of_origin": {"CN": 51.0, "JP": 9.6, "US": 8.3, "KR": 4.3, "DE": 3.8, "VN": 3.5, "IT": 3.3},
    "tax_type": {"A": 37.8, "C": 20.7, "FCN1": 19.6, "FEU1": 6.5, "CIT": 3.8, "FUS1": 3.5},
    "country_of_origin_indicator": {"E": 28.4, "G": 22.7, "Y": 22.0, "B": 14.4, "S": 12.4},
    "tax_rate": {"0.0": 37.4, "8.0": 23.5, "6.5": 9.0, "13.0": 6.4},
    "chapter": {"85": 12.0, "39": 9.7, "84": 7.7, "62": 6.2, "90": 4.5, "94": 3.8},
}

# The further values of each attribute, with weights among themselves.
SMALL_VALUES: dict[str, str] = {
    "office_id": "33:164 39:87 62:76 80:51 21:36 12:32 121:31 41:29 53:26 140:25 151:24 56:22 82:14 17:12 23:10 110:9 "
    "50:9 70:7 152:7 122:5 153:4 100:4 81:4 131:4 71:4 130:4 120:3 14:3 90:3 54:3 150:3 37:2 102:2",
    "import_type": "89:133 29:67 88:42 83:35 84:27 93:22 22:20 86:16 92:14 80:12 71:11 13:7 21:7 85:6 12:5 96:5 51:4 59:3 "
    "55:3 90:1",
    "import_use": "23:75 28:54 13:18 12:16 15:15 14:8 31:6 27:5 30:1 17:1",
    "payment_type": "0:59 13:54 21:13 12:5 33:4",
    "mode_of_transport": "90:22 20:3",
    "country_of_departure": "IT:278 KR:226 TW:148 SG:144 GB:118 FR:114 TH:96 NL:96 ID:60 MY:58 IN:53 ES:51 BE:50 CA:44 "
    "RU:43 AU:40 PH:34 CH:33 MX:30 AT:26 SE:24 TR:22 PL:20 DK:18 CZ:17 AE:16 BR:14 BD:13 PT:13 IL:12 NZ:11 KH:11 CL:11 "
    "MM:10 FI:9 NO:9 UA:8 PK:8 HU:8 RO:8 LK:7 SK:6 IE:6 SI:5 PE:5 ZA:5 MA:4 BG:4 GR:4 CO:4 LT:3 EE:3 AR:3 CR:3 GT:3 TN:3 "
    "EC:2 UZ:2 NI:2 DO:2 SA:2 MD:1 LV:1 NP:1 LA:1 HR:1 MO:1 PA:2 IS:1 LU:1 EG:1",
    "country_of_origin": "TW:143 FR:141 GB:98 TH:97 MY:80 IN:77 ID:70 CA:58 ES:51 MX:50 CH:43 AU:41 NL:39 SG:36 PH:33 RU:32 "
    "SE:29 TR:25 HK:23 PT:22 AT:22 PL:21 CZ:21 DK:20 RO:17 BR:17 IL:16 BD:14 BE:13 KH:12 UA:12 PK:12 TN:11 HU:11 NO:11 "
    "MM:10 MA:10 NZ:9 BG:9 LK:9 SK:9 FI:8 CL:8 IE:7 SI:7 AE:6 PE:6 GR:6 LT:6 EE:5 AR:5 CR:5 GT:5 CO:5 MD:4 DO:4 PR:4 UZ:3 "
    "NI:3 BW:3 EC:3 MG:3 SA:2 LV:2 BA:2 JO:2 AL:2 ZA:2 LA:2 AM:2 NP:1 HR:1 LI:1 HN:1 EG:1 KE:1 ET:1 LU:1 MN:1 IS:1 PA:1 MO:1",
    "tax_type": "FAS1:208 E1:137 FVN1:94 W2:73 F:32 FIN1:28 L:28 W1:27 FAU1:24 FCA1:21 FEF1:19 P3:16 FTR1:13 R:9 FCN2:8 "
    "FGB1:8 FCL1:7 FPE1:5 FCO1:3 FNZ1:3 FCE1:3 FSG1:2",
}

# Net mass by quantile of the labelled rows: (share of the rows, kg). The quartiles and the 99th percentile are targets.
NET_MASS_QUANTILES: tuple[tuple[float, float], ...] = (
    (0.0002, 0.02), (0.01, 0.1), (0.05, 0.5), (0.10, 1.4), (0.20, 5.0), (0.25, 9.75), (0.30, 15.0), (0.40, 38.0),
    (0.50, 96.0), (0.60, 245.0), (0.70, 774.0), (0.75, 1_500.0), (0.80, 2_790.0), (0.90, 16_500.0), (0.95, 30_000.0),
    (0.98, 108_000.0), (0.99, 200_000.0), (0.999, 3_000_000.0), (0.99995, 40_000_000.0),
)  # fmt: skip

# Monday to Sunday, in per cent of the declarations.
WEEKDAYS = (28.6, 18.8, 16.1, 15.5, 15.8, 3.2, 2.0)

SELLER_EMPTY = 10.0
COURIER_EMPTY = 82.0
FRAUD = 21.6
CRITICAL_FRAUD = 1.0

# Among 54,000 labelled rows.
LABELLED_ROWS = 54_000
IMPORTERS = 14_000
SELLERS = 12_000
DECLARANTS = 1_240
COURIERS = 81
HS6_CODES = 2_500
TOP_TENTH_IMPORTERS = 36.0

# Table 3 of the paper, column "source data": precision at 5% and at 10% of the declarations of the last three months.
DETECTOR_PRECISION: dict[str, tuple[float, float]] = {
    "logistic_regression": (0.392, 0.386),
    "adaboost": (0.490, 0.490),
    "decision_tree": (0.513, 0.460),
    "random_forest": (0.504, 0.474),
    "catboost": (0.515, 0.479),
    "xgboost": (0.522, 0.476),
    "lightgbm": (0.531, 0.491),
}


def distribution(attribute: str) -> dict[str, float]:
    """Every value of an attribute with its share of the labelled rows; the shares sum to 1."""
    main = {value: share / 100 for value, share in SHARES[attribute].items()}
    small = [part.split(":") for part in SMALL_VALUES.get(attribute, "").split()]
    total = sum(float(weight) for _, weight in small)
    rest = 1 - sum(main.values())
    spread = {value: rest * float(weight) / total for value, weight in small}
    found = main | spread
    scale = sum(found.values())
    return {value: share / scale for value, share in found.items()}
