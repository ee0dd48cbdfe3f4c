import { type AddressInfo, createServer } from 'node:net'

function listen(port: number): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const { port: found } = server.address() as AddressInfo
      server.close(() => resolvePort(found))
    })
  })
}

/** A port of loopback that nobody listens on at this moment. */
export function findFreePort(): Promise<number> {
  return listen(0)
}

/** Whether nobody listens on this port of loopback at this moment. */
export async function isFree(port: number): Promise<boolean> {
  try {
    await listen(port)
    return true
  } catch {
    return false
  }
}
