"""Declarations in XML by the WCO Data Model, laid out as administrations publish samples of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

DECLARATIONS = "urn:wco:datamodel:WCO:DEC-DMS:2"
METADATA = "urn:wco:datamodel:WCO:DocumentMetaData-DMS:2"

Cells = Mapping[str, str]


def _said(name: str, text: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{escape(text)}</{name}>" if text else ""


def item_xml(c: Cells, number: str = "1") -> str:
    """A goods item: what it says of the goods comes in the order of the model's schema."""
    code, rest = c["hs10_code"][:8], c["hs10_code"][8:]
    classes = (
        f"<Classification>{_said('ID', code)}<IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>"
    )
    if rest:
        classes += (
            f"<Classification>{_said('ID', rest)}<IdentificationTypeCode>TRC</IdentificationTypeCode></Classification>"
        )
    statements = "".join(
        f"<AdditionalInformation>{_said('StatementCode', c[name])}<StatementTypeCode>{kind}</StatementTypeCode>"
        "</AdditionalInformation>"
        for name, kind in (("fraud", "INSPECTION"), ("critical_fraud", "CRITICAL"), ("inspection_reason", "REASON"))
        if c.get(name)
    )
    if c.get("amount_recovered"):
        statements += (
            f"<AdditionalInformation><StatementDescription>{c['amount_recovered']}</StatementDescription>"
            "<StatementTypeCode>RECOVERED</StatementTypeCode></AdditionalInformation>"
        )
    return (
        f"<GovernmentAgencyGoodsItem><SequenceNumeric>{number}</SequenceNumeric>"
        f"{_said('StatisticalValueAmount', c['item_price'], c.get('currency', ''))}{statements}"
        f"<Commodity><Description>Goods &amp; more</Description>{classes}<DutyTaxFee>"
        f"{_said('DutyRegimeCode', c.get('tax_type', ''))}{_said('TaxRateNumeric', c.get('tax_rate', ''))}"
        f"<TypeCode>A00</TypeCode><Payment>{_said('MethodCode', c.get('payment_type', ''))}</Payment></DutyTaxFee>"
        f"<GoodsMeasure>{_said('GrossMassMeasure', '1')}{_said('NetNetWeightMeasure', c['net_mass'], c.get('unit', ''))}"
        "</GoodsMeasure></Commodity>"
        f"<GovernmentProcedure>{_said('CurrentCode', c.get('import_type', '')[:2])}"
        f"{_said('PreviousCode', c.get('import_type', '')[2:])}</GovernmentProcedure>"
        f"<GovernmentProcedure>{_said('CurrentCode', c.get('import_use', ''))}</GovernmentProcedure>"
        f"<Origin>{_said('CountryCode', c['country_of_origin'])}<TypeCode>1</TypeCode></Origin>"
        "</GovernmentAgencyGoodsItem>"
    )


def declaration_xml(header: Cells, items: Iterable[Cells]) -> str:
    """A declaration: as in the model, some of what it says of itself comes after its items."""
    listed = "".join(item_xml(c, c.get("item", str(n))) for n, c in enumerate(items, start=1))
    # A day may be an element of its own.
    day = header["date"] if header["date"].startswith("<") else escape(header["date"])
    return (
        f"<AcceptanceDateTime>{day}</AcceptanceDateTime><FunctionCode>9</FunctionCode>"
        f"{_said('ID', header['declaration_id'])}{_said('TypeCode', header.get('process_type', ''))}"
        f"{_said('DeclarationOfficeID', header.get('office_id', ''))}"
        f"<BorderTransportMeans>{_said('ModeCode', header.get('mode_of_transport', ''))}</BorderTransportMeans>"
        f"<Declarant>{_said('ID', header.get('declarant_id', ''))}</Declarant>"
        f"<GoodsShipment><Consignment><Carrier>{_said('Name', header.get('courier_id', ''))}</Carrier></Consignment>"
        f"<ExportCountry>{_said('ID', header.get('country_of_departure', ''))}</ExportCountry>{listed}"
        f"<Importer>{_said('ID', header['importer_id'])}</Importer>"
        f"<Seller>{_said('Name', header.get('seller_id', ''))}</Seller></GoodsShipment>"
    )


def document(declarations: Iterable[str], namespace: str = DECLARATIONS, encoding: str = "UTF-8") -> str:
    """A file of declarations, in one envelope."""
    listed = "".join(f'<Declaration xmlns="{namespace}">{each}</Declaration>' for each in declarations)
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<md:MetaData xmlns:md="{METADATA}">'
        f"<md:WCOTypeName>DEC</md:WCOTypeName>{listed}</md:MetaData>"
    )
