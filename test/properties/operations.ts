import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answered, anyCall, callWith, placesOfAll, subscriptions } from './asking.ts'
import { ask, holds, openHouse, type Request, SEED } from './house.ts'
import { openSocket } from './socket.ts'

export interface HowMany {
  /** Each meaning once (a field of a filter is one wherever the filter stands), or every place there is. */
  readonly places: 'MEANING' | 'PLACE'
  readonly valuesPerPlace: number
  readonly calls: number
  readonly subscriptions: number
}

const AT_ONCE = 8

/** Tests that no arguments of any operation of the schema make a fault. */
export function testOperations({ places, valuesPerPlace, calls, subscriptions: streams }: HowMany): void {
  const house = openHouse()

  test('no value at any argument, input field or comparator makes a fault', async () => {
    const making = { ids: house.ids, depth: 3 }
    const requests = placesOfAll(answered, places).flatMap((at) =>
      fc.sample(callWith(at, making), { seed: SEED, numRuns: valuesPerPlace }),
    )
    let asked = 0
    let executed = 0
    const askOn = async (): Promise<void> => {
      for (let request = requests[asked++]; request !== undefined; request = requests[asked++]) {
        if ((await asking(request)).text.startsWith('{"data":{')) executed += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, askOn))
    // Where most are refused at the door, little is tried behind it.
    expect(executed).toBeGreaterThan(requests.length / 3)
  })

  const asking = (request: Request) =>
    ask(house, request).catch((err: unknown) => {
      throw new Error(JSON.stringify(request), { cause: err })
    })

  test('no arguments together make a fault, in variables or in the document', async () => {
    const making = { ids: house.ids, depth: 4 }
    await holds(
      fc.constantFrom(...answered).chain((operation) => anyCall(operation, making)),
      calls,
      async (request) => void (await ask(house, request)),
    )
  })

  test('no arguments of a subscription make a fault, and its socket goes on', async () => {
    const socket = await openSocket(house, { authorization: `Bearer ${house.key}` })
    const making = { ids: house.ids, depth: 3 }
    const asked = fc.constantFrom(...subscriptions).chain((operation) => anyCall(operation, making))
    let id = 0
    await holds(asked, streams, async (payload) => {
      id += 1
      socket.send({ type: 'subscribe', id: `${id}`, payload })
      await socket.probe()
      socket.send({ type: 'complete', id: `${id}` })
      expect([socket.faults, house.served.lines]).toEqual([[], []])
    })
    socket.close()
  })
}
