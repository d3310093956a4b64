// fastify + BullMQ + sharp as a durable image service with the routes of Safelight's classic ones. An upload is answered
// when its bytes, their directory and (by Redis with `appendfsync always`) the job are on the disk; a job is completed when
// its result is. Server and workers share one process, which is what takes the least memory.
//   queue_server.mjs DIRECTORY REDIS_SOCKET
import { createReadStream } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { load, result } from './sharp_result.mjs'

const { Queue, QueueEvents, Worker } = load('bullmq')
const fastify = load('fastify')
const [directory, path] = process.argv.slice(2)
const connection = { path, maxRetriesPerRequest: null }
const workers = 2
const originals = join(directory, 'originals')
const results = join(directory, 'results')
await Promise.all([mkdir(originals, { recursive: true }), mkdir(results, { recursive: true })])

// A temporary file, its fsync, its rename, the fsync of its directory.
async function put(place, id, content) {
  const temporary = join(place, `${id}.tmp`)
  const file = await open(temporary, 'wx')
  await file.writeFile(content)
  await file.sync()
  await file.close()
  await rename(temporary, join(place, id))
  const handle = await open(place)
  await handle.sync()
  await handle.close()
}

const queue = new Queue('images', { connection })
const events = new QueueEvents('images', { connection })
await events.waitUntilReady()
new Worker('images', async job => put(results, job.id, await result(join(originals, job.id), job.data)), { connection, concurrency: workers })

const app = fastify({ bodyLimit: 64 << 20 })
app.addContentTypeParser('application/octet-stream', (request, payload, done) => done(null, payload))

app.post('/newImage', async (request, reply) => {
  const id = randomUUID()
  await put(originals, id, request.body)
  await queue.add('image', JSON.parse(request.query.pipeline), { jobId: id })
  return reply.code(202).type('text/plain').send(id)
})

app.get('/image/isReady', async request => {
  const state = await queue.getJobState(request.query.id)
  return { completed: 'finished', failed: 'failed', unknown: 'not found' }[state] ?? 'in progress'
})

// Answers when the job has ended, for clients that would rather wait than ask again and again.
app.get('/image/wait', async request => {
  const job = await queue.getJob(request.query.id)
  await job?.waitUntilFinished(events, 60_000).catch(() => {})
  return ''
})

app.get('/image/get', (request, reply) => reply.type('application/octet-stream').send(createReadStream(join(results, request.query.id))))

console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
