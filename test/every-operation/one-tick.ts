import { expect } from 'vitest'
import type { House } from './house.ts'
import { documentOf, fieldsBelow, queries } from './operations.ts'
import { findOwnCall, requestOf } from './own-calls.ts'
import { watchOver } from './strangers.ts'

/** Starts every query of both workspaces in one tick, over the same pool, several times; each must tell its own alone. */
export async function askAtOnce({ a, b, owner }: House): Promise<void> {
  const [overA, overB] = [await watchOver(owner, a), await watchOver(owner, b)]
  const operations = [...queries, ...fieldsBelow]
  const asked = await Promise.all(
    operations.flatMap((operation) =>
      [
        { own: a, others: overB },
        { own: b, others: overA },
      ].map(async ({ own, others }) => {
        const call = await findOwnCall(operation, own, own.all)
        // Who has the token of an invite may read it, wherever they are.
        const more = operation.name === 'invitePreview' ? { token: own.invite.token } : {}
        const request = requestOf(documentOf(operation, 0), operation, call, more)
        return { operation, own, others, request, start: await own.all.ready(request) }
      }),
    ),
  )
  for (let round = 0; round < 3; round++) {
    const started = asked.map(({ start }) => start())
    for (const [index, answer] of (await Promise.all(started)).entries()) {
      const { operation, own, others, request } = asked[index] as (typeof asked)[number]
      const told = {
        of: own.mark,
        operation: operation.name,
        leaks: others.leaksIn(answer, request),
        errors: answer.errors,
      }
      expect(told).toMatchObject({ leaks: [], errors: [] })
    }
  }
}
