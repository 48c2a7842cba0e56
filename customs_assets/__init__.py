"""Publish realistic import declarations without publishing anyone's secrets.

Each subpackage is one stage of the pipeline that *Customs Import Declaration Datasets* (Jeong et al.) describes;
``docs/architecture.md`` says what belongs where. Nothing of the package is imported here, so that loading one stage costs
one stage; what every process of ours must never do, phone home, is switched off here.
"""

import os

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
os.environ["GX_ANALYTICS_ENABLED"] = "false"

__version__ = "0.1.0"
