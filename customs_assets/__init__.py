"""Publish realistic import declarations without publishing anyone's secrets.

Each subpackage is one stage of the pipeline that *Customs Import Declaration Datasets* (Jeong et al.) describes;
``docs/architecture.md`` says what belongs where. Nothing is imported here, so that loading one stage costs one stage.
"""

__version__ = "0.1.0"
