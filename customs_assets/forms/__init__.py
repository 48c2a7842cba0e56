"""Forms: how an administration's declarations map to the attributes of the catalogue, one readable TOML file each.

``form`` says what a form is and checks it, ``reading`` finds the one that ``CUSTOMS_FORM`` names. ``korea.toml`` is the
default; ``bacuda.toml``, ``asycuda.toml`` and ``eu-h1.toml`` ship beside it. What belongs here is what a file of
declarations looks like. How it is read and judged stands in ``source``.
"""

from customs_assets.forms.form import Form, FormError
from customs_assets.forms.reading import SHIPPED, form_in_force, open_form

__all__ = ["SHIPPED", "Form", "FormError", "form_in_force", "open_form"]
