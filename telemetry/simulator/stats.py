"""What /system_stats and /features say."""

from collections.abc import Sequence

from .memory import GIB, Memory
from .nodes import Json

VERSION = "0.33.0"
FRONTEND, TEMPLATES = "1.49.6", "0.11.44"
PACKAGES = {
    "comfyui-frontend-package": FRONTEND,
    "comfyui-workflow-templates": TEMPLATES,
    "comfyui-embedded-docs": "0.5.10",
    "comfy-kitchen": "0.2.31",
    "comfy-aimdo": "0.4.13",
}
RAM_TOTAL = 64 * GIB
RAM_FREE = 41 * GIB

FEATURES: Json = {
    "supports_preview_metadata": True,
    "supports_model_type_tags": True,
    "max_upload_size": 104857600,
    "extension": {"manager": {"supports_v4": True}},
    "node_replacements": True,
    "assets": False,
}


def system_stats(memory: Memory, argv: Sequence[str]) -> Json:
    packages = [
        {"name": name, "installed": version, "required": version}
        for name, version in PACKAGES.items()
    ]
    system = {
        "os": "linux",
        "ram_total": RAM_TOTAL,
        "ram_free": RAM_FREE - sum(memory.loaded.values()) // 2,
        "comfyui_version": VERSION,
        "required_frontend_version": FRONTEND,
        "installed_templates_version": TEMPLATES,
        "required_templates_version": TEMPLATES,
        "comfy_package_versions": packages,
        "python_version": "3.12.11 (main, Jun  4 2026, 08:56:18) [GCC 13.3.0]",
        "pytorch_version": "2.13.0+cu130",
        "embedded_python": False,
        "deploy_environment": "local-git",
        "argv": list(argv),
    }
    return {"system": system, "devices": [memory.device()]}
