"""A detector of one's own: ``customs benchmark benchmarks/heavy_goods.py:HeavyGoods RELEASE``; see ``docs/benchmark.md``."""


class HeavyGoods:
    name = "heavy_goods"  # small letters, digits, underscores
    title = "Heavy goods"  # for the table
    seedless = True  # draws nothing: one run stands for all; False where it is left out

    def fit(self, features, fraud, seed):
        rows = features.declarations.assign(fraud=fraud)
        self.risk = rows.groupby("hs6_code")["fraud"].mean()
        self.general = fraud.mean()

    def score(self, features):
        rows = features.declarations
        return rows["hs6_code"].map(self.risk).fillna(self.general) * rows["net_mass"]
