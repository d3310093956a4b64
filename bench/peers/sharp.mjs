// The contender sharp: one line of JSON in, one line of JSON out. `--plain-huffman` writes JPEG without optimised Huffman
// tables, which sharp makes by default.
import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { result, sharp } from './sharp_result.mjs'

const optimised = !process.argv.includes('--plain-huffman')

async function answer(request) {
  const input = await readFile(request.input)
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  let results
  for (let time = 0; time < request.times; time++) {
    results = await Promise.all(request.outputs.map(output => result(input, output, optimised)))
  }
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
