// What sharp makes of an image: one thread, no cache; everything else as sharp has it, but for AVIF's chroma subsampling,
// which is 4:2:0 for every contender.
import { createRequire } from 'node:module'

export const load = createRequire(process.env.BENCH_NODE + '/')
export const sharp = load('sharp')
sharp.concurrency(1)
sharp.cache(false)

const options = {
  jpeg: (quality, optimiseCoding) => ({ quality, chromaSubsampling: '4:2:0', optimiseCoding }),
  webp: quality => ({ quality }),
  avif: quality => ({ quality, chromaSubsampling: '4:2:0' }),
  png: () => ({}),
}

// `input` is bytes or a path, `output` as bench/tools/src/lib.rs has it; gives the file's bytes.
export function result(input, output, optimiseCoding = true) {
  let image = sharp(input, { animated: output.animated ?? false, limitInputPixels: false })
  if (output.size) {
    const [width, height] = output.size
    image = image.resize({ width, height, fit: output.cover ? 'cover' : 'inside', withoutEnlargement: true })
  }
  if (output.swap) image = image.recomb([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
  return image.toFormat(output.format, options[output.format](output.quality, optimiseCoding)).toBuffer()
}
