"""The tariff schedule of the simulated administration: codes, rates, and which claims the law allows.

What belongs here is the law: the HS10 codes under the real chapters, the rate that each tax type brings for a code, and
the origins and routes for which a tax type may be claimed. Who trades what, and who claims what, is the world's
(``world.py``). The law is one thing: it has a seed of its own and does not change with the world's seed or the month.

A declared tariff tuple (HS10, departure, origin, tax rate, tax type) is lawful where

* the schedule holds a row for the code and the tax type with exactly that rate, and
* the tax type's routes hold the pair of origin and departure: any pair for the general tax types; for an agreement an
  origin of its parties that left a party or one of the hubs through which direct transport may be proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from customs_assets.seeds import derive_rng

# chapter | declarations per ten thousand | HS6 codes | basic rates with shares | WTO rate with its coverage | log10 of the
# price in KRW per kg | unit of quantity | description
_CHAPTERS = """
01|10|6|8:.7 18:.3|0:.1|4.3|U|Live animals
02|24|13|22.5:.4 27:.3 40:.3|0:.05|3.8|KG|Meat and edible meat offal
03|95|54|10:.6 20:.4|0:.05|3.9|KG|Fish and crustaceans
04|8|7|36:.5 8:.5|0:.1|3.9|KG|Dairy produce, eggs and honey
05|10|6|8:.6 3:.4|0:.2|4.0|KG|Products of animal origin
06|9|8|8:.6 25:.4|0:.2|3.9|U|Live trees and other plants
07|236|24|27:.8 30:.2|0:.02|3.1|KG|Edible vegetables
08|20|16|30:.6 45:.4|0:.05|3.4|KG|Edible fruit and nuts
09|58|14|8:.7 2:.15 40:.15|0:.1|3.9|KG|Coffee, tea and spices
10|5|5|3:.5 5:.5|0:.2|2.7|KG|Cereals
11|10|13|8:.5 5:.3 4.2:.2|0:.1|3.2|KG|Products of the milling industry
12|64|20|3:.3 8:.4 0:.1 36:.2|0:.2|3.6|KG|Oil seeds and medicinal plants
13|16|5|8:.6 3:.4|0:.2|4.4|KG|Gums, resins and vegetable extracts
14|2|3|3:.6 8:.4|0:.2|3.3|KG|Vegetable plaiting materials
15|18|14|5:.5 8:.5|0:.1|3.5|KG|Animal or vegetable fats and oils
16|33|17|20:.8 18:.2|0:.05|3.9|KG|Preparations of meat or fish
17|18|10|8:.7 35:.3|0:.1|3.3|KG|Sugars and sugar confectionery
18|6|5|8:.8 5:.2|0:.1|3.9|KG|Cocoa and cocoa preparations
19|35|15|8:.8 36:.1 5:.1|0:.05|3.7|KG|Preparations of cereals or flour
20|112|32|20:.4 30:.2 45:.3 50:.1|0:.05|3.5|KG|Preparations of vegetables and fruit
21|102|12|8:.85 30:.15|0:.05|4.1|KG|Miscellaneous edible preparations
22|40|14|8:.4 15:.4 20:.2|0:.1|3.7|L|Beverages, spirits and vinegar
23|34|13|5:.6 8:.4|0:.1|3.2|KG|Animal fodder and food residues
24|2|2|40:.7 20:.3|0:.05|4.3|KG|Tobacco
25|28|25|3:.8 0:.2|0:.2|2.5|KG|Salt, stone, plastering materials and cement
26|9|10|0:.7 2:.3|0:.2|2.6|KG|Ores, slag and ash
27|14|5|5:.5 3:.3 8:.2|0:.2|2.8|KG|Mineral fuels and oils
28|58|68|5.5:.6 8:.25 0:.15|5.5:.4|3.6|KG|Inorganic chemicals
29|160|125|8:.8 6.5:.1 0:.1|6.5:.7|4.2|KG|Organic chemicals
30|58|20|8:.6 0:.4|0:.5|5.2|KG|Pharmaceutical products
31|18|8|6.5:.6 2:.4|0:.2|2.7|KG|Fertilisers
32|84|42|8:.95 6.5:.05|6.5:.85|3.9|KG|Tanning and dyeing extracts, paints and inks
33|165|25|8:.95 6.5:.05|6.5:.85|4.5|KG|Essential oils, perfumery and cosmetics
34|78|24|8:.95 6.5:.05|6.5:.85|3.8|KG|Soap, waxes and cleaning preparations
35|35|11|8:.9 6.5:.1|6.5:.7|4.0|KG|Albuminoidal substances, glues and enzymes
36|4|3|8:1|6.5:.5|4.1|KG|Explosives and matches
37|12|10|8:.95 6.5:.05|6.5:.5|4.5|KG|Photographic goods
38|155|42|8:.95 6.5:.05 5:.05|6.5:.85|4.1|KG|Miscellaneous chemical products
39|974|104|8:.95 6.5:.05|6.5:.85|3.8|KG|Plastics and articles thereof
40|99|44|8:.9 5:.1|6.5:.1|3.9|KG|Rubber and articles thereof
41|12|9|5:.8 0:.2|0:.1|4.1|KG|Raw hides, skins and leather
42|351|20|8:1|0:.02|4.4|U|Articles of leather, travel goods and handbags
43|8|5|16:.8 8:.2|0:.02|5.0|U|Furskins and artificial fur
44|116|49|8:.75 5:.15 0:.1|0:.1|3.0|KG|Wood and articles of wood
45|3|3|8:1|0:.1|3.7|KG|Cork and articles of cork
46|16|6|8:1|0:.05|3.9|KG|Manufactures of straw and basketware
47|36|8|0:.9 2:.1|0:.1|2.9|KG|Pulp of wood and recovered paper
48|106|47|0:.85 8:.15|0:.9|3.3|KG|Paper and paperboard
49|49|13|0:.9 8:.1|0:.9|3.9|KG|Printed books and newspapers
50|2|3|8:.5 13:.5|0:.02|4.7|KG|Silk
51|7|11|8:.6 13:.4|0:.02|4.3|KG|Wool and animal hair
52|34|39|8:.5 10:.5|0:.02|3.8|KG|Cotton
53|6|8|8:.5 2:.5|0:.02|3.8|KG|Other vegetable textile fibres
54|49|33|8:.6 10:.4|0:.02|3.9|KG|Man-made filaments
55|38|32|8:.6 10:.4|0:.02|3.7|KG|Man-made staple fibres
56|73|23|8:.8 10:.2|0:.02|3.8|KG|Wadding, felt, twine and cordage
57|23|12|10:.9 8:.1|0:.02|3.8|M2|Carpets
58|11|10|13:.6 8:.4|0:.02|4.2|KG|Special woven fabrics and lace
59|20|15|10:.5 8:.5|0:.02|4.0|KG|Impregnated and coated textile fabrics
60|16|13|10:1|0:.02|3.9|KG|Knitted or crocheted fabrics
61|306|80|13:.97 8:.03|0:.01|4.5|U|Knitted apparel
62|618|98|13:.97 8:.03|0:.01|4.6|U|Woven apparel
63|164|38|10:.65 8:.35|0:.01|3.9|U|Other made up textile articles
64|150|22|13:.75 8:.25|0:.01|4.4|2U|Footwear
65|51|8|8:1|0:.01|4.5|U|Headgear
66|13|5|13:.6 8:.4|0:.01|3.9|U|Umbrellas and walking sticks
67|14|6|8:1|0:.01|4.1|KG|Prepared feathers and artificial flowers
68|79|33|8:1|0:.03|3.3|KG|Articles of stone, plaster and cement
69|65|21|8:1|0:.03|3.4|KG|Ceramic products
70|85|39|8:1|0:.05|3.5|KG|Glass and glassware
71|162|27|8:.85 3:.15|0:.05|5.0|G|Precious stones, metals and jewellery
72|92|54|0:.9 3:.1|0:.7|2.9|KG|Iron and steel
73|246|70|8:.8 0:.2|0:.1|3.6|KG|Articles of iron or steel
74|37|19|8:.7 5:.2 3:.1|0:.05|4.0|KG|Copper and articles thereof
75|8|6|8:.5 3:.5|0:.05|4.5|KG|Nickel and articles thereof
76|93|20|8:.85 1:.15|0:.05|3.7|KG|Aluminium and articles thereof
78|2|4|8:.6 3:.4|0:.05|3.4|KG|Lead and articles thereof
79|2|3|8:.6 3:.4|0:.05|3.5|KG|Zinc and articles thereof
80|3|3|3:1|0:.05|4.3|KG|Tin and articles thereof
81|14|9|8:.5 3:.5|0:.1|4.5|KG|Other base metals
82|126|53|8:1|0:.02|4.1|U|Tools and cutlery of base metal
83|55|23|8:1|0:.05|4.0|KG|Miscellaneous articles of base metal
84|970|285|8:.95 0:.05|0:.38|4.5|U|Machinery and mechanical appliances
85|1200|195|8:.95 0:.05|0:.34|4.6|U|Electrical machinery and equipment
86|4|3|5:.6 0:.4|0:.3|4.0|U|Railway locomotives and material
87|267|56|8:.95 10:.05|0:.05|4.1|U|Vehicles other than railway
88|32|6|0:.8 3:.2|0:.9|5.6|U|Aircraft and parts thereof
89|4|5|0:.4 8:.4 5:.2|0:.2|4.1|U|Ships and floating structures
90|450|113|8:.98 0:.02|0:.45|5.0|U|Optical, measuring and medical instruments
91|49|28|8:1|0:.1|5.1|U|Clocks and watches
92|30|13|8:1|0:.2|4.3|U|Musical instruments
93|6|6|8:.8 0:.2|0:.05|4.7|U|Arms and ammunition
94|380|41|8:.85 0:.15|0:.3|3.8|U|Furniture, bedding and lamps
95|345|26|8:.75 0:.25|0:.4|4.1|U|Toys, games and sports requisites
96|152|37|8:1|0:.1|4.0|U|Miscellaneous manufactured articles
97|29|6|0:.95 8:.05|0:.2|5.1|U|Works of art and antiques
"""

# Codes that trade all over the world: HS6 | declarations per ten thousand | description.
_COMMON_CODES = """
071080|170|Frozen vegetables, other
090121|25|Coffee, roasted, not decaffeinated
120740|16|Sesame seeds
160554|14|Cuttle fish and squid, prepared
200599|32|Vegetables, prepared or preserved
200811|28|Ground-nuts, prepared
210390|46|Sauces and mixed condiments
210690|43|Food preparations, other
300490|26|Medicaments in measured doses
330300|24|Perfumes and toilet waters
330499|88|Beauty and skin care preparations
340130|18|Organic surface-active products for washing the skin
382499|62|Chemical preparations, other
391990|34|Self-adhesive plates and film of plastics
392310|40|Boxes and cases of plastics
392410|26|Tableware and kitchenware of plastics
392490|36|Household articles of plastics, other
392690|465|Articles of plastics, other
401693|16|Gaskets and seals of vulcanised rubber
420212|28|Trunks and suit-cases of plastics or textiles
420221|40|Handbags of leather
420222|36|Handbags of plastics or textiles
420292|56|Travel and sports bags of plastics or textiles
420299|53|Cases and containers, other
440890|20|Sheets for veneering
481910|15|Cartons and boxes of corrugated paper
610910|58|T-shirts of cotton
610990|27|T-shirts of other textile materials
611030|37|Jerseys and pullovers of man-made fibres
620343|22|Men's trousers of synthetic fibres
620443|39|Women's dresses of synthetic fibres
620453|27|Women's skirts of synthetic fibres
620463|54|Women's trousers of synthetic fibres
620640|48|Women's blouses of man-made fibres
621149|35|Women's garments, other
630790|91|Made up articles, other, and masks
640299|42|Footwear of rubber or plastics
640419|31|Footwear with textile uppers
650500|32|Hats and headgear, knitted
680293|27|Granite, cut or sawn
711719|73|Imitation jewellery of base metal
731815|28|Screws and bolts
732690|85|Articles of iron or steel, other
760200|40|Aluminium waste and scrap
820559|18|Hand tools, other
830890|14|Fasteners and beads of base metal
841459|28|Fans
847160|27|Input and output units of computers
847330|20|Parts and accessories of computers
848180|26|Taps, cocks and valves
848690|29|Parts of semiconductor machines
850440|93|Static converters and power adapters
850760|24|Lithium-ion accumulators
851762|34|Machines for transmission of data
851770|26|Parts of telephone sets
852580|27|Television and digital cameras
853400|20|Printed circuits
853669|33|Plugs and sockets
853690|28|Electrical apparatus for connection
853710|37|Boards for electric control
853890|32|Parts of electrical switching apparatus
854140|27|Photosensitive semiconductor devices
854231|29|Processors and controllers
854239|26|Integrated circuits, other
854370|84|Electrical machines with individual functions
854442|57|Electric conductors with connectors
870323|43|Motor cars of 1,500 to 3,000 cc
870324|29|Motor cars over 3,000 cc
870899|60|Parts of motor vehicles, other
901890|58|Medical instruments, other
901910|35|Massage apparatus
902780|18|Instruments for physical analysis
910211|16|Wrist-watches, electrically operated
940169|40|Seats with wooden frames
940360|20|Wooden furniture, other
940490|45|Bedding articles, other
940540|47|Electric lamps, other
950300|170|Toys
950691|33|Articles for physical exercise
961590|27|Hair curlers and pins
970110|12|Paintings and drawings
"""

EUROPEAN_UNION = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
ASEAN = ("BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "VN")


@dataclass(frozen=True, slots=True)
class Agreement:
    """A free trade agreement, as the tax type under which its rate is claimed.

    Attributes:
        tax_type: the code of the claim, such as ``FCN1``.
        parties: origins that may claim it.
        hubs: departures allowed beside the parties' own, direct transport being proved there.
        coverage: share of headings that have a rate under it.
        factors: what the rate is of the rate without the claim, with shares; 0 is free.
        chapters: first and last chapter that it covers.
    """

    tax_type: str
    parties: tuple[str, ...]
    hubs: tuple[str, ...]
    coverage: float
    factors: tuple[tuple[float, float], ...]
    chapters: tuple[int, int] = (1, 97)


_FREE = ((0.0, 1.0),)
_MOSTLY_FREE = ((0.0, 0.95), (0.1, 0.03), (0.5, 0.02))
_HUBS = ("HK", "SG")

AGREEMENTS: tuple[Agreement, ...] = (
    Agreement(
        "FCN1", ("CN",), ("HK", "MO", "VN"), 0.86, ((0.0, 0.3), (0.4, 0.3), (0.6, 0.24), (0.3, 0.12), (0.8, 0.04))
    ),
    Agreement("FCN2", ("CN",), ("HK",), 0.02, ((0.5, 1.0),)),
    Agreement("FEU1", tuple(EUROPEAN_UNION), (*_HUBS, "CH", "CN", "GB", "US"), 0.97, ((0.0, 0.99), (0.4, 0.01))),
    Agreement("FGB1", ("GB",), (*_HUBS, "NL", "DE"), 0.97, _FREE),
    Agreement("FUS1", ("US", "PR"), (*_HUBS, "CA", "MX", "JP", "CN"), 0.95, _MOSTLY_FREE),
    Agreement("FAS1", ASEAN, ("HK", "CN", "TW"), 0.9, ((0.0, 0.92), (0.625, 0.06), (0.8, 0.02))),
    Agreement("FVN1", ("VN",), ("HK", "SG", "CN"), 0.85, _MOSTLY_FREE),
    Agreement("FSG1", ("SG",), ("HK", "MY"), 0.9, _FREE),
    Agreement("FIN1", ("IN",), (*_HUBS, "AE"), 0.8, _FREE),
    Agreement("FAU1", ("AU",), (*_HUBS, "NZ"), 0.9, ((0.0, 0.6), (0.53, 0.25), (0.2, 0.15))),
    Agreement("FNZ1", ("NZ",), (*_HUBS, "AU"), 0.9, ((0.0, 0.7), (0.5, 0.3))),
    Agreement("FCA1", ("CA",), (*_HUBS, "US"), 0.9, _MOSTLY_FREE),
    Agreement("FEF1", ("CH", "NO", "IS", "LI"), (*_HUBS, "DE", "NL"), 0.9, _FREE),
    Agreement("FTR1", ("TR",), (*_HUBS, "DE"), 0.9, ((0.0, 0.85), (0.9, 0.15))),
    Agreement("FCL1", ("CL",), (*_HUBS, "US", "PE"), 0.9, _FREE),
    Agreement("FPE1", ("PE",), (*_HUBS, "US", "CL"), 0.9, _FREE),
    Agreement("FCO1", ("CO",), (*_HUBS, "US", "PA"), 0.9, ((0.0, 0.7), (0.3, 0.3))),
    Agreement("FCE1", ("CR", "GT", "HN", "NI", "PA", "SV"), (*_HUBS, "US"), 0.85, ((0.0, 0.6), (0.4, 0.4))),
    Agreement("E1", ("BD", "CN", "IN", "LA", "LK", "MN"), ("HK", "SG"), 0.75, ((0.7, 0.4), (0.81, 0.6)), (42, 67)),
)

# General tax types, open to every origin and route: basic, WTO, information technology, flexible, seasonal, in-quota and
# out-of-quota, reductions.
GENERAL_TAX_TYPES = ("A", "C", "CIT", "F", "L", "P3", "R", "W1", "W2")

TAX_TYPES: tuple[str, ...] = GENERAL_TAX_TYPES + tuple(a.tax_type for a in AGREEMENTS)

# Industry groups: a company trades within one; the first chapter of each.
GROUP_STARTS = (1, 25, 41, 44, 50, 64, 68, 84, 86, 90, 93)


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """The schedule as arrays; every array but ``rates`` has one entry for each HS10 code, in ascending order.

    Attributes:
        codes: the HS10 codes, ten digits.
        chapters: the chapter, 1 to 97.
        groups: the industry group, 0 to 10.
        headings: the number of the heading (four digits), as an index in ascending order.
        weights: expected share of the labelled declarations; sums to 1.
        log_prices: log10 of the usual price in KRW per kg.
        descriptions: general description of the goods.
        units: unit of quantity.
        rates: rate in per cent by code and tax type in the order of :data:`TAX_TYPES`; NaN where no claim exists.
    """

    codes: np.ndarray
    chapters: np.ndarray
    groups: np.ndarray
    headings: np.ndarray
    weights: np.ndarray
    log_prices: np.ndarray
    descriptions: list[str]
    units: list[str]
    rates: np.ndarray


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of the tariff: its share of trade, how many HS6 codes it has, its rates and its goods."""

    number: int
    weight: float
    codes: int
    basic: tuple[tuple[float, float], ...]
    wto_rate: float
    wto_coverage: float
    log_price: float
    unit: str
    description: str


@cache
def chapters() -> dict[int, Chapter]:
    """The chapters by number, 1 to 97 without 77; ``weight`` sums to 1."""
    lines = [line.split("|") for line in _CHAPTERS.strip().splitlines()]
    total = sum(float(fields[1]) for fields in lines)
    found = {}
    for number, weight, codes, basic, wto, log_price, unit, description in lines:
        pairs = tuple((float(rate), float(share)) for rate, share in (part.split(":") for part in basic.split()))
        wto_rate, coverage = wto.split(":")
        found[int(number)] = Chapter(
            int(number), float(weight) / total, int(codes), pairs, float(wto_rate), float(coverage),
            float(log_price), unit, description,
        )  # fmt: skip
    return found


def common_codes() -> dict[str, tuple[float, str]]:
    """The codes that trade widely: HS6 to its share of the declarations and its description."""
    lines = (line.split("|") for line in _COMMON_CODES.strip().splitlines())
    return {code: (float(weight) / 10_000, description) for code, weight, description in lines}


def _draw(rng: np.random.Generator, pairs: tuple[tuple[float, float], ...], size: int) -> np.ndarray:
    """Values drawn by their shares."""
    values = np.array([value for value, _ in pairs])
    edges = np.cumsum([share for _, share in pairs])
    return values[np.minimum(np.searchsorted(edges / edges[-1], rng.random(size), side="right"), len(values) - 1)]


def _chapter_codes(chapter: Chapter, rng: np.random.Generator) -> dict[str, float]:
    """The HS6 codes of a chapter with their weights inside it: the common ones, then a falling tail."""
    fixed = {c: w for c, (w, _) in common_codes().items() if int(c[:2]) == chapter.number}
    headings = max(2, min(round(chapter.codes / 2.6), 86))
    endings = ("10", "20", "30", "90", "11", "19", "21", "29", "40", "50", "31", "39", "80", "99", "91", "60", "00")
    found = dict(fixed)
    while len(found) < round(1.06 * chapter.codes):
        heading = min(int(headings * rng.random()) + 1, headings)
        ending = endings[int(len(endings) * rng.random() ** 1.5)]
        found.setdefault(f"{chapter.number:02d}{heading:02d}{ending}", 0.0)
    tail = [code for code, weight in found.items() if weight == 0.0]
    left = max(chapter.weight - sum(fixed.values()), 0.15 * chapter.weight)
    steps = (np.arange(1, len(tail) + 1) + 1.5) ** -0.95
    return found | dict(zip(tail, left * steps / steps.sum(), strict=True))


def _domestic_codes(hs6: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """HS10 codes with weights: one to four domestic subdivisions of each HS6 code, the first the largest."""
    found: dict[str, float] = {}
    for code, weight in sorted(hs6.items()):
        count = 1 + int(rng.random() < 0.35) + int(rng.random() < 0.2) + int(rng.random() < 0.1)
        endings = ("0000",) if count == 1 else ("1000", "9000", "2000", "3000")[:count]
        shares = np.array([0.6, 0.25, 0.1, 0.05])[:count]
        for ending, share in zip(endings, shares / shares.sum(), strict=True):
            found[code + ending] = weight * share
    return found


def _agreement_rates(
    agreement: Agreement, start: np.ndarray, chapter: np.ndarray, heading: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The rate of an agreement for each code; NaN where the heading is not covered or the claim would bring nothing."""
    count = int(heading.max()) + 1
    covered = (rng.random(count) < agreement.coverage)[heading]
    factor = _draw(rng, agreement.factors, count)[heading]
    first, last = agreement.chapters
    rate = np.round(start * factor, 1)
    return np.where(covered & (chapter >= first) & (chapter <= last) & (rate < start), rate, np.nan)


def _general_rates(
    numbers: np.ndarray, heading: np.ndarray, code_count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The rates of the general tax types for each code, NaN where there is none; drawn by heading."""
    first_of_heading = np.unique(heading, return_index=True)[1]
    basic, wto, book = np.empty(code_count), np.full(code_count, np.nan), chapters()
    for position in first_of_heading:
        chapter = book[int(numbers[position])]
        same = heading == heading[position]
        basic[same] = _draw(rng, chapter.basic, 1)[0]
        if rng.random() < chapter.wto_coverage:
            wto[same] = chapter.wto_rate
    luck = rng.random((5, len(first_of_heading)))[:, heading]
    farm = numbers <= 24
    electronic = np.isin(numbers, (37, 84, 85, 90))
    steep = np.array([135.0, 270.0, 360.0, 377.3])[heading % 4]
    information = np.array([0.0, 0.0, 0.0, 0.0, 6.5, 0.0, 4.9, 0.0, 1.3, 0.0])[heading % 10]
    return {
        "A": basic,
        "C": np.where(wto < basic, wto, np.nan),
        "CIT": np.where(electronic & (luck[0] < 0.6) & (basic > 0), np.minimum(information, basic), np.nan),
        "F": np.where((luck[1] < 0.05) & (basic != 5), np.where(basic > 20, 20.0, 5.0), np.nan),
        "L": np.where((luck[2] < 0.3) & farm & (basic > 8), np.round(basic * 0.75, 1), np.nan),
        "P3": np.where((luck[3] < 0.1) & np.isin(numbers, (84, 90, 88, 30)) & (basic > 0), 0.0, np.nan),
        "R": np.where((luck[4] < 0.3) & np.isin(numbers, (84, 85, 88)) & (basic > 0), 0.0, np.nan),
        "W1": np.where((luck[3] < 0.4) & farm & (basic >= 3), np.where(basic > 20, 20.0, 5.0), np.nan),
        "W2": np.where((luck[3] < 0.4) & farm & (basic >= 3), steep, np.nan),
    }


@cache
def schedule() -> Schedule:
    """The schedule, made once for each process in about a tenth of a second; the same on every machine."""
    rng = derive_rng(0, "tariff_schedule")
    weights: dict[str, float] = {}
    for chapter in chapters().values():
        weights |= _domestic_codes(_chapter_codes(chapter, rng), rng)
    codes = np.array(sorted(weights))
    numbers = np.array([int(code[:2]) for code in codes])
    heading = np.unique([code[:4] for code in codes], return_inverse=True)[1]
    general = _general_rates(numbers, heading, len(codes), rng)
    start = np.fmin(general["A"], general["C"])
    rates = [general[name] for name in GENERAL_TAX_TYPES]
    rates += [_agreement_rates(agreement, start, numbers, heading, rng) for agreement in AGREEMENTS]
    share = np.array([weights[code] for code in codes])
    prices = np.array([chapters()[int(n)].log_price for n in numbers])
    prices = (
        prices + 0.25 * rng.standard_normal(int(heading.max()) + 1)[heading] + 0.12 * rng.standard_normal(len(codes))
    )
    return Schedule(
        codes=codes,
        chapters=numbers,
        groups=np.searchsorted(GROUP_STARTS, numbers, side="right") - 1,
        headings=heading,
        weights=share / share.sum(),
        log_prices=prices,
        descriptions=_descriptions(codes),
        units=[chapters()[int(n)].unit for n in numbers],
        rates=np.column_stack(rates),
    )


def _descriptions(codes: np.ndarray) -> list[str]:
    """The general description of the goods for each code: the common code's own, else chapter and heading."""
    known = {code: description for code, (_, description) in common_codes().items()}
    return [
        known.get(code[:6]) or f"{chapters()[int(code[:2])].description}, of heading {code[:2]}.{code[2:4]}"
        for code in codes
    ]


def tariff_schedule() -> pa.Table:
    """The schedule as a table of ``hs10_code``, ``tax_type`` and ``tax_rate`` (per cent), one row a lawful claim.

    Together with :func:`claim_routes` it says which tariff tuples are lawful; a code and a tax type that stand in no row
    may not be claimed together.
    """
    law = schedule()
    code, claim = np.nonzero(~np.isnan(law.rates))
    return pa.table(
        {
            "hs10_code": pa.array(law.codes[code], pa.string()),
            "tax_type": pa.array(np.array(TAX_TYPES)[claim], pa.string()),
            "tax_rate": pa.array(law.rates[code, claim], pa.float64()),
        }
    )


def claim_routes() -> pa.Table:
    """The agreements' routes: ``tax_type``, ``country_of_origin``, ``country_of_departure``, one row a lawful route.

    The general tax types (:data:`GENERAL_TAX_TYPES`) stand in no row: they are open to every origin and departure.
    """
    rows = [
        (agreement.tax_type, origin, departure)
        for agreement in AGREEMENTS
        for origin in agreement.parties
        for departure in sorted({*agreement.parties, *agreement.hubs})
    ]
    names = ("tax_type", "country_of_origin", "country_of_departure")
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    )


def route_matrix(countries: list[str]) -> np.ndarray:
    """Which claims are open to which routes: tax types × origins × departures, as booleans, in the order of ``countries``."""
    place = {country: number for number, country in enumerate(countries)}
    allowed = np.zeros((len(TAX_TYPES), len(countries), len(countries)), dtype=bool)
    allowed[: len(GENERAL_TAX_TYPES)] = True
    for kind, origin, departure in zip(*claim_routes().to_pydict().values(), strict=True):
        if origin in place and departure in place:
            allowed[TAX_TYPES.index(kind), place[origin], place[departure]] = True
    return allowed


def neighbouring_codes(rng: np.random.Generator, family: np.ndarray, code: np.ndarray) -> np.ndarray:
    """For each code another (or the same) of its family, drawn by weight; ``family`` is non-decreasing over the codes."""
    edges = np.concatenate([[0.0], np.cumsum(schedule().weights)])
    low = edges[np.searchsorted(family, family[code], side="left")]
    high = edges[np.searchsorted(family, family[code], side="right")]
    found = np.searchsorted(edges, low + (high - low) * rng.random(len(code)), side="right") - 1
    return np.clip(found, 0, len(family) - 1)


def lawful_tuples(declarations: pa.Table) -> np.ndarray:
    """Which rows hold a lawful tariff tuple, as booleans.

    Args:
        declarations: a table that holds the five columns of ``declaration.TARIFF_TUPLE``, the HS code with ten digits.
    """
    frame = declarations.select(["hs10_code", "tax_type", "tax_rate", "country_of_origin", "country_of_departure"])
    code, claim, rate, origin, departure = (column.to_pylist() for column in frame.columns)
    table = tariff_schedule().to_pydict()
    claims = {
        (hs10, kind): value
        for hs10, kind, value in zip(table["hs10_code"], table["tax_type"], table["tax_rate"], strict=True)
    }
    routes = set(zip(*claim_routes().to_pydict().values(), strict=True))
    general = set(GENERAL_TAX_TYPES)
    return np.array(
        [
            claims.get((c, t)) == r and (t in general or (t, o, d) in routes)
            for c, t, r, o, d in zip(code, claim, rate, origin, departure, strict=True)
        ],
        dtype=bool,
    )
