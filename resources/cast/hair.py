def make_hair(body, person):
    return []
