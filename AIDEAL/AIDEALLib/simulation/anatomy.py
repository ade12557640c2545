"""The shape of an upper abdomen: which tissue lies where.

Coordinates in mm: x to the patient's left, y to the back, z to the head, 0 at the top of the right dome of the diaphragm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .materials import Tissue
from .shapes import FloatArray, Grid, Segment, Texture, ellipsoid, polyline, radial_depth, tubes
from .vessels import branches, liver_vessels

TissueMap = npt.NDArray[np.uint8]


class UpperAbdomen:
    """One patient's anatomy, drawn from a seed; `tissues` paints it on any grid.

    Parameters
    ----------
    seed : int
        Patient.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self.cavity = (rng.uniform(122, 138), rng.uniform(84, 96))
        self.wall = rng.uniform(10, 14)
        self.fat = (rng.uniform(9, 26), rng.uniform(8, 22))
        self.left_dome_drop = rng.uniform(8, 20)
        self.shift = rng.normal(0, 3, 24)
        self.size = 1 + 0.07 * np.clip(rng.standard_normal(24), -2, 2)
        self.texture_30 = Texture(rng, 30)
        self.texture_12 = Texture(rng, 12)
        self.vessels = liver_vessels(rng)
        self.stomach_level = rng.uniform(-40, -20)
        self.bowel = self._bowel(rng)
        self.gas = [tuple(rng.uniform(-4, 4, 3)) for _ in range(40)]
        self.disc_offset = rng.uniform(0, 34)

    def tissues(self, grid: Grid) -> TissueMap:
        """Tissue of each voxel, uint8 (slice, row, column), numbers of `Tissue`."""
        _, _, z = grid.mesh()
        rough, fine = self.texture_30.on(grid), self.texture_12.on(grid)
        out = np.zeros(grid.shape, np.uint8)
        cavity = self._wall(grid, out, rough)
        floor = self.diaphragm(grid)
        below = (floor - z) * np.float32(0.75)
        inside = cavity > 0
        out[inside & (below > 1.2)] = Tissue.VISCERAL_FAT
        out[inside & (below < 0)] = Tissue.LUNG
        self._chest(grid, out, inside & (below < 0), rough)

        room = np.minimum(cavity - 2, below - 1.8)
        self._gut(grid, out, room, rough, fine)
        self._liver(grid, out, room, rough, fine)
        self._back(grid, out, below, rough)
        return out

    def diaphragm(self, grid: Grid) -> FloatArray:
        """Height of the diaphragm in mm, float32 (1, row, column)."""
        x, y, _ = grid.mesh()

        def dome(height: float, cx: float, cy: float, wide: float, deep: float, drop: float) -> FloatArray:
            return np.float32(height) - np.float32(drop) * (((x - cx) / wide) ** 2 + ((y - cy) / deep) ** 2) ** np.float32(1.7)

        s = self.shift
        domes = (
            dome(0, -66 + s[0], -2 + s[1], 70, 90, 72),
            dome(-self.left_dome_drop, 66 + s[2], 2 + s[3], 66, 88, 72),
            dome(-16 + s[4], 4, -18, 62, 70, 60),
        )
        soft = np.float32(5)
        return np.asarray(soft * np.log(sum(np.exp(np.maximum(d, -400) / soft) for d in domes)), dtype=np.float32)

    def lobes(self, grid: Grid) -> npt.NDArray[np.bool_]:
        """Left of the plane through gallbladder and inferior vena cava (Cantlie's line), bool (slice, row, column)."""
        x, y, _ = grid.mesh()
        return np.broadcast_to(x > -34 + 0.3 * (y + 30) + self.shift[5], grid.shape)

    def _wall(self, grid: Grid, out: TissueMap, rough: FloatArray) -> FloatArray:
        """Paint skin to inner wall; returns the depth in the cavity."""
        x, y, z = grid.mesh()
        cx, cy = self.cavity
        taper = 1 - 0.06 * np.clip(z / 150, 0, 1.5)
        furrow = 9 * np.exp(-((x / 20) ** 2)) * (y > 20)
        skin = radial_depth((x / taper, y), (cx + self.wall + self.fat[0], cy + self.wall + self.fat[1] + 4), 2.3)
        skin = skin - furrow + 1.5 * rough
        outer = radial_depth((x / taper, y + 1), (cx + self.wall, cy + self.wall + 5), 2.25) - 0.8 * furrow + rough
        cavity = radial_depth((x / taper, y + 8), (cx, cy), 2.25) + rough
        outer = np.minimum(outer, skin - 4)
        cavity = np.minimum(cavity, outer - 6)
        out[skin > 0] = Tissue.SUBCUTANEOUS_FAT
        out[outer > 0] = Tissue.MUSCLE
        ring = np.minimum(outer - 2, 2.5 - cavity)
        stripe = np.cos(2 * np.pi * (z + 0.55 * y) / 31)
        rib = np.minimum(np.minimum(ring, 9 * (stripe - 0.4)), np.minimum(np.abs(x) - 34, z + 0.55 * y + 125))
        out[rib > 0] = Tissue.CORTICAL_BONE
        out[rib > 1.8] = Tissue.MARROW
        return cavity

    def _chest(self, grid: Grid, out: TissueMap, chest: npt.NDArray[np.bool_], rough: FloatArray) -> None:
        """Heart, its fat and the mediastinum, above the diaphragm."""
        x, y, _ = grid.mesh()
        s = self.shift
        middle = radial_depth((x - 2, y - 42), (24, 34)) + 2 * rough
        out[chest & (middle > 0)] = Tissue.VISCERAL_FAT
        heart = ellipsoid(grid, (20 + s[6], -34 + s[7], 28), (66, 42, 58), 18) + 1.5 * rough
        out[chest & (heart > -6)] = Tissue.VISCERAL_FAT
        out[chest & (heart > 0)] = Tissue.HEART_MUSCLE
        left = ellipsoid(grid, (42 + s[6], -30 + s[7], 34), (26, 19, 40), 25)
        right = ellipsoid(grid, (-14 + s[6], -38 + s[7], 32), (26, 24, 44), 15)
        out[chest & (np.maximum(left, right) > 0) & (heart > 4)] = Tissue.BLOOD
        gullet = radial_depth((x - 10, y - 22), (8, 6))
        out[chest & np.broadcast_to(gullet > 0, chest.shape)] = Tissue.MUSCLE

    def _liver(self, grid: Grid, out: TissueMap, room: FloatArray, rough: FloatArray, fine: FloatArray) -> None:
        """Liver, its vessels, fissure and gallbladder."""
        x, y, z = grid.mesh()
        s, k = self.shift, self.size
        lower = np.maximum(-(z + 75), 0)
        right = radial_depth((x + 66 + 0.18 * lower, y - 2 + s[8], z + 62), (80 * k[0], 92 * k[1], 96 * k[2]), 2.6)
        narrow = 1 - 0.45 * np.clip((x - 5) / 90, 0, 1)
        left = radial_depth((x - 18, (y + 44 + s[9]) / narrow, z + 40), (76 * k[3], 38 * k[4], 52 * k[5]), 2.2)
        carved = ellipsoid(grid, (34, 22, -122), (84, 62, 74)) + 2 * rough
        liver = np.maximum(np.minimum(right, -carved - 1), left)
        kidney = -self._kidney(grid, -1) - 7
        liver = np.minimum(np.minimum(liver + 1.5 * rough, room), kidney)
        fissure = np.maximum(np.abs(x - 12 - s[10] - 0.2 * (y + 50)) - 2.5, np.maximum(y + 48, z + 62) * 0.8)
        liver = np.minimum(liver, fissure)
        gallbladder = ellipsoid(grid, (-42 + s[11], -34 + s[12], -104), (15 * k[6], 20 * k[7], 34), -25) + 0.5 * rough
        out[liver > 0] = Tissue.LIVER
        out[(gallbladder > 0) & (room > 0)] = Tissue.GALLBLADDER
        tree = tubes(grid, self.vessels)
        organ = (out == Tissue.LIVER) & (liver > 2.5)
        out[organ & (tree > 0)] = Tissue.LIVER_VESSEL
        hilum = (tree > -4) & (np.abs(z + 88) < 12) & (np.abs(x + 10) < 26) & (fine > -0.3)
        out[organ & hilum & (tree <= 0)] = Tissue.VISCERAL_FAT

    def _kidney(self, grid: Grid, side: int) -> FloatArray:
        """Depth in a kidney: side +1 is the patient's left."""
        k, s = self.size[8 if side > 0 else 9], self.shift[13 if side > 0 else 14]
        x, y, z = grid.mesh()
        z0 = -112 if side > 0 else -128
        lean = 0.22 * (z - z0)
        return radial_depth((x - side * (64 - lean) + s, y - 44 - 0.1 * lean, z - z0), (27 * k, 25 * k, 56 * k), 2.3)

    def _gut(self, grid: Grid, out: TissueMap, room: FloatArray, rough: FloatArray, fine: FloatArray) -> None:
        """Spleen, kidneys, stomach, pancreas, bowel and the gas in them."""
        x, y, z = grid.mesh()
        s, k = self.shift, self.size
        inside = room > 0
        for side in (1, -1):
            kidney = self._kidney(grid, side) + 0.6 * rough
            out[inside & (kidney > 0)] = Tissue.KIDNEY
            sinus = radial_depth(
                (x - side * 52, y - 42, z + (112 if side > 0 else 128)), (17, 8, 30)
            ) + 1.5 * fine  # fmt: skip
            out[inside & (kidney > 0) & (sinus > 0)] = Tissue.VISCERAL_FAT
        spleen = ellipsoid(grid, (98 + s[15], 38 + s[16], -62), (30 * k[10], 56 * k[11], 58 * k[12]), 20) + 1.2 * rough
        hollow = ellipsoid(grid, (58, 12, -70), (40, 50, 60))
        spleen = np.minimum(spleen, np.minimum(-hollow, -self._kidney(grid, 1) - 5))
        out[inside & (spleen > 0)] = Tissue.SPLEEN
        pancreas = tubes(
            grid, polyline([(-24, 2, -122), (-14, -8, -108), (16, -8, -98), (48, 8, -92), (74, 20, -84)], [14, 12, 9, 10, 8])
        )
        out[inside & (pancreas + 2.2 * fine > 0)] = Tissue.PANCREAS
        stomach = tubes(
            grid,
            polyline(
                [(68, 14, -42), (76, -12, -66), (70, -34, -96), (40, -46, -118), (4, -36, -122)],
                [30 * k[13], 34 * k[14], 28 * k[15], 20, 13],
            ),
        ) + 1.5 * rough  # fmt: skip
        stomach = np.minimum(stomach, room - 1)
        out[stomach > 0] = Tissue.STOMACH_WALL
        out[stomach > 4] = Tissue.STOMACH
        out[(stomach > 4) & (y < self.stomach_level)] = Tissue.GAS
        for number, loop in enumerate(self.bowel):
            bowel = np.minimum(tubes(grid, loop) + 1.2 * fine, room - 1)
            free = (bowel > 0) & (out == Tissue.VISCERAL_FAT)
            out[free] = Tissue.BOWEL
            top = min(min(p.start[1], p.end[1]) for p in loop)
            bubble = free & (bowel > 3) & (y < top + self.gas[number][0]) & (rough > -0.2)
            out[bubble] = Tissue.GAS

    def _bowel(self, rng: np.random.Generator) -> list[list[Segment]]:
        """Colon (right, transverse, splenic flexure) and loops of small bowel."""
        colon = [
            polyline([(-98, -20, -190), (-96, -26, -150), (-84, -48, -132)], 21),
            polyline([(-84, -52, -134), (-40, -64, -138), (20, -66, -136), (74, -52, -126)], 17),
            polyline([(84, -44, -122), (104, -8, -96), (112, 8, -112), (114, 14, -190)], 16),
        ]
        loops = [
            branches(
                (rng.uniform(5, 80), rng.uniform(-45, 10), rng.uniform(-165, -110)), rng.standard_normal(3), 60, 11, 0, rng
            )
            for _ in range(9)
        ]
        return colon + loops

    def _back(self, grid: Grid, out: TissueMap, below: FloatArray, rough: FloatArray) -> None:
        """Great vessels, crura, muscles of the back and the spine."""
        x, y, z = grid.mesh()
        body = (out != Tissue.AIR) & (out != Tissue.SUBCUTANEOUS_FAT)
        s = self.shift
        # The inferior vena cava runs in the liver's bare area; the aorta between the crura.
        cava = radial_depth((x + 20 + s[17] / 2, y - 30 - 0.05 * np.maximum(-z - 60, 0)), (12, 9.5))
        crus = radial_depth((x - 3, y - 42), (24, 17)) + rough
        out[body & (crus > 0) & (z < -5)] = Tissue.VISCERAL_FAT
        out[body & (crus > 0) & (crus < 5) & (z < -5) & (z > -125)] = Tissue.MUSCLE
        out[body & np.broadcast_to((cava > -1.5) & (z < 8), out.shape)] = Tissue.VISCERAL_FAT
        out[body & np.broadcast_to((cava > 0) & (z < 8), out.shape)] = Tissue.BLOOD
        aorta = radial_depth((x - 9 - s[18] / 2, y - 40), (10.5, 10.5))
        out[body & np.broadcast_to(aorta > 0, out.shape)] = Tissue.BLOOD
        for side in (1, -1):
            psoas = radial_depth((x - side * 36, y - 66), (15, 14)) - np.clip((z + 130) / 4, 0, 30)
            erector = radial_depth((x - side * 34, y - 88), (32, 22), 2.4) + rough
            out[body & np.broadcast_to(np.maximum(psoas, erector) > 0, out.shape)] = Tissue.MUSCLE
        vertebra = radial_depth((x, y - 64), (24, 18), 2.6)
        arch = np.maximum(
            np.minimum(18 - np.abs(x), 10 - np.abs(y - 86)) * 0.9, np.minimum(4.5 - np.abs(x) * 1.0, 16 - np.abs(y - 96))
        )
        stage = np.mod(z + self.disc_offset, 34)
        bone = np.maximum(vertebra, arch)
        out[body & np.broadcast_to(bone > 0, out.shape)] = Tissue.CORTICAL_BONE
        out[body & np.broadcast_to(bone > 1.8, out.shape)] = Tissue.MARROW
        out[body & (vertebra > 0) & (stage < 8)] = Tissue.DISC
        canal = radial_depth((x, y - 88), (10, 8))
        out[body & np.broadcast_to(canal > 0, out.shape)] = Tissue.SPINAL_FLUID
        cord = radial_depth((x, y - 88), (5, 4))
        out[body & np.broadcast_to((cord > 0) & (z > -110), out.shape)] = Tissue.MUSCLE
