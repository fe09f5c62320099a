"""Images with classes: what proxies are scored on, networks trained and attacked with.

:func:`load_images` takes a name of :data:`IMAGES` or a folder. A set is a frozen value of uint8
arrays; nothing here needs torch.
"""

from .image_set import ImageSet
from .loading import IMAGES, image_set_name, load_images

__all__ = ["IMAGES", "ImageSet", "image_set_name", "load_images"]
