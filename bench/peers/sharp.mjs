// The contender sharp: one line of JSON in, one line of JSON out. One thread, no cache; everything else as sharp has it,
// but for AVIF's chroma subsampling, which is 4:2:0 for every contender. `--plain-huffman` writes JPEG without optimised
// Huffman tables, which sharp makes by default.
import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const sharp = createRequire(process.env.BENCH_NODE + '/')('sharp')
sharp.concurrency(1)
sharp.cache(false)
const optimised = !process.argv.includes('--plain-huffman')

const options = {
  jpeg: quality => ({ quality, chromaSubsampling: '4:2:0', optimiseCoding: optimised }),
  webp: quality => ({ quality }),
  avif: quality => ({ quality, chromaSubsampling: '4:2:0' }),
  png: () => ({}),
}

function result(input, output) {
  let image = sharp(input, { animated: output.animated ?? false, limitInputPixels: false })
  if (output.size) {
    const [width, height] = output.size
    image = image.resize({ width, height, fit: output.cover ? 'cover' : 'inside', withoutEnlargement: true })
  }
  if (output.swap) image = image.recomb([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
  return image.toFormat(output.format, options[output.format](output.quality)).toBuffer()
}

async function answer(request) {
  const input = await readFile(request.input)
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  let results
  for (let time = 0; time < request.times; time++) results = await Promise.all(request.outputs.map(output => result(input, output)))
  const used = process.cpuUsage(cpu)
  const wall = performance.now() - start
  await Promise.all(results.map((bytes, index) => writeFile(request.paths[index], bytes)))
  return {
    cpu_ms: (used.user + used.system) / 1e3 / request.times,
    wall_ms: wall / request.times,
    bytes: results.reduce((sum, bytes) => sum + bytes.length, 0),
  }
}

const say = line => process.stdout.write(JSON.stringify(line) + '\n')
say({ version: `sharp ${sharp.versions.sharp} (libvips ${sharp.versions.vips}, Node ${process.versions.node})` })
for await (const line of createInterface({ input: process.stdin })) {
  say(await answer(JSON.parse(line)).catch(error => ({ error: String(error) })))
}
