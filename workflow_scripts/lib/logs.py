"""The one log of the workflow; lib/phase.py says where its lines go."""

import logging

log = logging.getLogger("cinelora")
