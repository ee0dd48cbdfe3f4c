import { beforeAll, describe, expect, test } from 'vitest'
import { buildSchema } from '../../src/platform/graphql/build-schema.ts'
import { filterNamed } from '../../src/platform/graphql/filter.ts'
import type { Comparison } from '../../src/platform/graphql/filter-comparators.ts'
import { parseDuration } from '../../src/platform/lib/duration.ts'
import './sample-schema.ts'

beforeAll(() => {
  buildSchema()
})

const compile = (given: Comparison) =>
  filterNamed('Deal').condition(given, { alias: 'deal', now: new Date(), viewer: { kind: 'system' }, path: ['filter'] })

/** What a filter is refused with; undefined when it is not. */
function issueOf(given: Comparison): { readonly path: string; readonly code: string } | undefined {
  try {
    compile(given)
    return undefined
  } catch (err) {
    const { details } = err as { details: { issues: { path: string[]; code: string }[] } }
    const [issue] = details.issues
    return issue && { path: issue.path.join('.'), code: issue.code }
  }
}

const names = (count: number) => ({ name: { in: Array.from({ length: count }, (_, at) => `Deal ${at}`) } })

describe('a filter', () => {
  test('has at most 2,000 conditions and values in all, those of its relations included', () => {
    expect(issueOf({ and: [names(490), names(490), names(490), names(490)] })).toBeUndefined()
    expect(issueOf({ and: [names(500), names(500), names(500), names(500)] })).toEqual({
      path: 'filter.and.3.name.in',
      code: 'TOO_LONG',
    })
    const related = (parts: number) => ({ stage: { or: Array.from({ length: parts }, () => ({})) } })
    expect(issueOf({ and: [related(900), related(900)] })).toBeUndefined()
    expect(issueOf({ and: [related(900), related(900), related(900)] })).toEqual({
      path: 'filter.and.2.stage.or',
      code: 'TOO_LONG',
    })
  })

  test('starts anew for the next list', () => {
    for (let list = 0; list < 10; list += 1) expect(issueOf(names(500))).toBeUndefined()
  })

  test.each([
    ['-P3000Y', 'TOO_SMALL'],
    ['P9000Y', 'TOO_LARGE'],
    ['P99999999999Y', 'TOO_LARGE'],
  ])('refuses the moment %s from now: it is outside the years 1 to 9999', (text, code) => {
    const fromNow = parseDuration(text)
    expect(issueOf({ createdAt: { gt: { fromNow } } })).toEqual({ path: 'filter.createdAt.gt', code })
  })

  test('takes the years 1 and 9999', () => {
    expect(issueOf({ createdAt: { gt: { at: new Date('0001-01-01T00:00:00Z') } } })).toBeUndefined()
    expect(issueOf({ createdAt: { gt: { at: new Date('9999-12-31T23:59:59Z') } } })).toBeUndefined()
  })
})
