"""The small tables of declarations that fidelity's tests compare: attacks are measured on them too."""

from customs_assets_tests.fidelity.conftest import declarations, random_declarations

__all__ = ["declarations", "random_declarations"]
