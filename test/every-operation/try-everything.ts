import { expect } from 'vitest'
import type { Answer, Asker, Request } from './asker.ts'
import { type Attempt, attemptsOn, type How } from './attempts.ts'
import { footprintOf } from './footprint.ts'
import type { House } from './house.ts'
import { documentOf, type Operation, trialOf } from './operations.ts'
import { outcomeOf } from './outcomes.ts'
import { findOwnCall, requestOf } from './own-calls.ts'
import { inBatches, type Watch, withoutWords } from './strangers.ts'

/**
 * Has A call an operation with everything that is B's, at every place of its arguments, by keys that may everything, read
 * or nothing. Fails when an answer holds anything of B, is another than for what nobody has, or when a mutation that was
 * refused has changed anything. Returns the number of calls.
 */
export async function tryEverything(operation: Operation, house: House, watch: Watch, how: How): Promise<number> {
  const { a, b, owner } = house
  let calls = 0
  const ask = async (asker: Asker, request: Request, door: 'ask' | 'dry' = 'ask'): Promise<Answer> => {
    calls += 1
    const answer = await asker[door](request)
    const { code, message } = outcomeOf(operation, answer)
    if (code === 'INTERNAL')
      throw new Error(`${operation.name} failed for ${JSON.stringify(request.variables)}: ${message}`)
    expect({ operation: operation.name, request, leaks: watch.leaksIn(answer, request) }).toMatchObject({ leaks: [] })
    return answer
  }

  const before = await footprintOf(owner, b.id)
  const call = await findOwnCall(operation, a, a.all)
  const attempts = await attemptsOn(operation, house, call, how)
  const isMutation = operation.kind === 'mutation'
  if (!isMutation) {
    // What is told without asking for anything of a stranger's.
    await ask(a.all, requestOf(documentOf(operation, how === 'BRIEF' ? 1 : 2), operation, call))
    for (const asker of [a.readOnly, a.none]) await ask(asker, requestOf(documentOf(operation, 1), operation, call))
  } else if (attempts.length === 0) {
    // It names nothing: so it is done, and nothing of B may be different.
    const changing = await findOwnCall(operation, a, a.all, { changing: true })
    await ask(a.all, requestOf(documentOf(operation, 1), operation, changing))
  }

  const allowed = new Set<Attempt>()
  await inBatches(attempts, async (attempt) => {
    const document = isMutation ? trialOf(operation) : documentOf(operation, 0)
    for (const asker of attempt.askers) {
      const answered = async (word: string) => {
        const request = attempt.request(document, word)
        const answer = await ask(asker, request, isMutation ? 'dry' : 'ask')
        if (isMutation && outcomeOf(operation, answer).code === 'DONE') allowed.add(attempt)
        return withoutWords(answer, [word])
      }
      const of = JSON.stringify(attempt.request(document, attempt.foreign).variables)
      const [theirs, nobodys] = [await answered(attempt.foreign), await answered(attempt.ghost)]
      expect({ operation: operation.name, of, answer: theirs }).toEqual({
        operation: operation.name,
        of,
        answer: nobodys,
      })
    }
  })

  if (isMutation) {
    let own = await footprintOf(owner, a.id)
    const fitting = attempts.filter(({ fits }) => fits)
    const isRefused = (attempt: Attempt) => Number(!allowed.has(attempt))
    for (const attempt of fitting.sort((one, other) => isRefused(one) - isRefused(other))) {
      const word = allowed.has(attempt) ? (attempt.spare ?? attempt.foreign) : attempt.foreign
      const { code } = outcomeOf(operation, await ask(a.all, attempt.request(documentOf(operation, 1), word)))
      if (code !== 'DONE') continue
      watch.share(word)
      own = await footprintOf(owner, a.id)
    }
    expect(await footprintOf(owner, a.id)).toEqual(own)
  }
  expect(await footprintOf(owner, b.id)).toEqual(before)
  return calls
}
