// ipx as its documentation sets it up: images of one directory, made while the request waits, nothing kept.
//   ipx_server.mjs DIRECTORY
import { createServer } from 'node:http'
import { load } from './sharp_result.mjs'

const { createIPX, createIPXNodeServer, ipxFSStorage } = load('ipx')
const server = createServer(createIPXNodeServer(createIPX({ storage: ipxFSStorage({ dir: process.argv[2] }) })))
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
