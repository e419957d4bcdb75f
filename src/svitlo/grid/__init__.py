"""Power and gas networks: what flows, who is unserved when parts are gone. Not built yet."""
