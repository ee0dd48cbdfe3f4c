import { afterAll, beforeAll, expect } from 'vitest'
import { type House, type SampleOptions, type SampleServer, serveSample } from './server.ts'

/**
 * The sample and two workspaces in it, there for all tests of the file; filled before the first. Nothing that the tests do
 * may be worth a line in the log.
 */
export function openSample(options?: SampleOptions) {
  const server = {} as SampleServer
  const acme = {} as House
  const other = {} as House
  beforeAll(async () => {
    Object.assign(server, await serveSample(options))
    Object.assign(acme, await server.house())
    Object.assign(other, await server.house('Other'))
  })
  afterAll(async () => {
    await server.close?.()
    expect(server.logged).toEqual([])
  })
  return { server, acme, other }
}
