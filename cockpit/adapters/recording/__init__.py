"""Raw frames on disk: reading recordings of any known form, writing compressed segments."""
