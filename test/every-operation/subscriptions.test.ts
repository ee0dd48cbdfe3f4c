import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventTypes } from '../../src/domains/event-types.ts'
import { appendEvents, lastEventOf } from '../../src/platform/events/append.ts'
import type { EventType } from '../../src/platform/events/event.ts'
import { detailName } from '../../src/platform/events/registry.ts'
import type { Answer, Stream } from './asker.ts'
import { type House, openHouse, type Workspace } from './house.ts'
import { documentOf, idPlacesOf, type Operation, subscriptions } from './operations.ts'
import { outcomeOf } from './outcomes.ts'
import { type OwnCall, requestOf, tryOnce } from './own-calls.ts'
import { ghostOf, type Watch, watchOver } from './strangers.ts'
import type { Given } from './values.ts'

let house: House
let watch: Watch

beforeAll(async () => {
  house = await openHouse()
  watch = await watchOver(house.owner, house.b)
})
afterAll(() => house.close())

/** Of which events a subscription tells; of one thing's progress none by themselves. */
function typesOf({ field }: Operation): readonly EventType[] {
  const name = String(field.type).replace('!', '')
  return name === 'Event' ? eventTypes.all : eventTypes.all.filter(({ type }) => detailName(type) === name)
}

/** An event of each type, about things of the workspace and naming whatever a filter may look for. Gives back its place. */
async function tell(workspace: Workspace, types: readonly EventType[]): Promise<string> {
  const row = (kind: string) => workspace.ids[kind]?.[0]?.replace(`${kind}_`, '') ?? ''
  const [employeeId, formId, dealId, stageId] = [row('employee'), row('form'), row('deal'), row('stage')]
  const data = { employeeId, formId, dealId, stageId, from: stageId, to: stageId, fit: 0.5, qualified: true }
  const last = await workspace.ctx.db.inTransaction(workspace.ctx, async (tx) => {
    appendEvents(
      tx,
      types.map(({ type, subject }) => ({ type, subject: { kind: subject, id: row(subject) }, data })),
    )
    return () => lastEventOf(tx)
  })
  return await house.events.feed.positionOf((await last()) ?? 0n)
}

const itemsOf = (stream: Stream): AsyncGenerator<Answer> => {
  if ('refused' in stream) throw new Error(stream.refused.text)
  return stream.items
}

/** Listens from now on; what is returned gives everything that came up to a place in the log. */
function listen(items: AsyncGenerator<Answer>): (place: string) => Promise<Answer[]> {
  let next = items.next()
  return async (place) => {
    const heard: Answer[] = []
    for (;;) {
      const { done, value } = await next
      if (done === true) throw new Error('the subscription ended by itself')
      heard.push(value)
      next = items.next()
      if (cursorOf(value) === place) return heard
    }
  }
}

const cursorOf = ({ text }: Answer): unknown =>
  (JSON.parse(text) as { readonly extensions?: { readonly cursor?: string } }).extensions?.cursor

/** The subscription with B's ids at the places that take ids of this kind. */
async function withIdsOf(workspace: Workspace, operation: Operation): Promise<Given[]> {
  const found: Given[] = []
  for (const { path } of idPlacesOf(operation)) {
    for (const [kind, [own]] of Object.entries(house.a.ids)) {
      const theirs = workspace.ids[kind]?.[0]
      if (own === undefined || theirs === undefined) continue
      const request = requestOf(documentOf(operation, 1), operation, NOTHING, { [path]: own })
      if ((await tryOnce(operation, request, house.a.all)).code === 'DONE') found.push({ [path]: theirs })
    }
    if (!found.some((given) => path in given)) {
      throw new Error(`${operation.name} takes none of its own workspace’s ids at ${path}`)
    }
  }
  return found
}

const NOTHING: OwnCall = { given: {}, parent: undefined }

for (const operation of subscriptions.filter((each) => typesOf(each).length > 0)) {
  test(`${operation.name} tells of nothing that happens in another workspace`, async () => {
    const { a, b } = house
    const document = documentOf(operation, 1)
    const request = (given: Given) => requestOf(document, operation, NOTHING, given)
    const live = itemsOf(await a.all.subscribe(request({})))
    const fromBefore = itemsOf(await a.all.subscribe(request({ last: 1_000 })))
    const foreign = await withIdsOf(b, operation)
    const narrowed = await Promise.all(foreign.map(async (given) => itemsOf(await a.all.subscribe(request(given)))))
    const silence = narrowed.map(async (items) => (await items.next()).value?.text)

    const types = typesOf(operation)
    const [untilLive, untilFromBefore] = [listen(live), listen(fromBefore)]
    // Once caught up, then live.
    const heard = await untilLive(await tell(a, types.slice(0, 1)))
    await tell(b, types)
    const place = await tell(a, types.slice(0, 1))
    heard.push(...(await untilLive(place)))
    expect(heard).toHaveLength(2)
    for (const answer of [...heard, ...(await untilFromBefore(place))]) {
      expect(watch.leaksIn(answer, request({}))).toEqual([])
    }
    for (const items of [live, fromBefore, ...narrowed]) await items.return(undefined)
    // Whoever was narrowed to what is B's has read as far as the others by now.
    expect(await Promise.all(silence)).toEqual(silence.map(() => undefined))
  })
}

for (const operation of subscriptions) {
  test(`${operation.name} knows another workspace’s ids no better than ids that nobody has`, async () => {
    const { a, b } = house
    for (const { path } of idPlacesOf(operation)) {
      for (const asker of [a.all, a.readOnly, a.none]) {
        for (const [foreign] of Object.values(b.ids)) {
          if (foreign === undefined) continue
          const answers = await Promise.all(
            [foreign, ghostOf(foreign)].map(async (id) => {
              const stream = await asker.subscribe(
                requestOf(documentOf(operation, 0), operation, NOTHING, { [path]: id }),
              )
              if ('items' in stream) {
                await stream.items.return(undefined)
                return 'is followed'
              }
              expect(watch.leaksIn(stream.refused, { query: '', variables: { id } })).toEqual([])
              expect(outcomeOf(operation, stream.refused).code).toMatch(/^(NOT_FOUND|INVALID_INPUT|FORBIDDEN)$/)
              return stream.refused.text.replaceAll(id, '…')
            }),
          )
          expect(answers[0]).toBe(answers[1])
        }
      }
    }
  })
}
