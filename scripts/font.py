"""Makes assets/fonts/NotoSans-Regular.ttf of the original (Debian's package fonts-noto-core): Latin, Greek, Cyrillic and signs only,
without hints, and the kerning of GPOS for the commonest letters as a table `kern`, which needs no shaping to be read.

    pip install fonttools && python scripts/font.py NotoSans-Regular.ttf assets/fonts/NotoSans-Regular.ttf
"""

import sys

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._k_e_r_n import KernTable_format_0

RANGES = [
    (0x20, 0x7E), (0xA0, 0x24F), (0x259, 0x259), (0x2BB, 0x2BC), (0x2C6, 0x2C7), (0x2D8, 0x2DD), (0x300, 0x30C), (0x370, 0x3FF),
    (0x400, 0x4FF), (0x1E00, 0x1EFF), (0x2010, 0x2015), (0x2018, 0x201E), (0x2020, 0x2022), (0x2026, 0x2026), (0x2030, 0x2033),
    (0x2039, 0x203A), (0x2044, 0x2044), (0x2070, 0x2089), (0x20A0, 0x20BF), (0x2100, 0x2126), (0x2190, 0x2193), (0x2212, 0x2212),
    (0x221E, 0x221E), (0x2248, 0x2248), (0x2260, 0x2265), (0xFB01, 0xFB02),
]
KERNED = [*range(0x20, 0x7F), *range(0xC0, 0x17F), *range(0x386, 0x3CF), *range(0x401, 0x460), 0x2019, 0x201C, 0x201D]
# A table of format 0 has no room for more.
MOST_PAIRS = 10_900


def kerning(font, names):
    """The pairs of glyphs among `names`, and by how much the second is moved."""
    pairs = {}
    gpos = font["GPOS"].table
    lookups = {index for feature in gpos.FeatureList.FeatureRecord if feature.FeatureTag == "kern" for index in feature.Feature.LookupListIndex}
    for index in sorted(lookups):
        for table in gpos.LookupList.Lookup[index].SubTable:
            table = getattr(table, "ExtSubTable", table)
            for first in names & set(table.Coverage.glyphs) if table.LookupType == 2 else ():
                for second, by in of_first(table, first, names):
                    pairs.setdefault((first, second), by)
    return {pair: by for pair, by in pairs.items() if by}


def of_first(table, first, names):
    if table.Format == 1:
        records = table.PairSet[table.Coverage.glyphs.index(first)].PairValueRecord
        return [(record.SecondGlyph, record.Value1.XAdvance) for record in records if record.SecondGlyph in names and record.Value1]
    row = table.Class1Record[table.ClassDef1.classDefs.get(first, 0)].Class2Record
    values = [(second, row[table.ClassDef2.classDefs.get(second, 0)].Value1) for second in names]
    return [(second, getattr(value, "XAdvance", 0)) for second, value in values if value]


def main(source, result):
    font = TTFont(source)
    options = Options(hinting=False, drop_tables=["GSUB", "GDEF", "GPOS", "gasp", "DSIG"], name_IDs=["*"])
    characters = font.getBestCmap()
    pairs = kerning(font, {characters[code] for code in KERNED if code in characters})
    strongest = sorted(pairs, key=lambda pair: (-abs(pairs[pair]), pair))[:MOST_PAIRS]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(font)
    table = KernTable_format_0()
    table.coverage, table.format, table.apple, table.version = 1, 0, False, 0
    table.kernTable = {pair: pairs[pair] for pair in strongest}
    font["kern"] = newTable("kern")
    font["kern"].version, font["kern"].kernTables = 0, [table]
    font.save(result)
    print(f"{len(font.getBestCmap())} characters, {len(strongest)} of {len(pairs)} pairs")


main(*sys.argv[1:])
