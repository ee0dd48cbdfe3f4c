import { expect, test } from 'vitest'
import { z } from 'zod'
import { AppError, type InputIssue } from './errors.ts'
import { parseInput } from './parse.ts'

function issuesOf(schema: z.ZodType, input: unknown): readonly InputIssue[] {
  try {
    parseInput(schema, input)
  } catch (err) {
    if (err instanceof AppError) return err.details.issues ?? []
    throw err
  }
  throw new Error('it was accepted')
}

const schema = z.object({ name: z.string().optional(), colour: z.enum(['RED', 'BLUE']).optional() })

test('null for what cannot be cleared is REQUIRED, of a text and of a choice alike', () => {
  expect(issuesOf(schema, { name: null, colour: null })).toEqual([
    { path: ['name'], code: 'REQUIRED', message: 'This cannot be empty.' },
    { path: ['colour'], code: 'REQUIRED', message: 'This cannot be empty.' },
  ])
})

test('what is left out is REQUIRED, of a text and of a choice alike', () => {
  expect(issuesOf(schema.required(), {})).toEqual([
    { path: ['name'], code: 'REQUIRED', message: 'This is required.' },
    { path: ['colour'], code: 'REQUIRED', message: 'This is required.' },
  ])
})

test('a value of another type is written wrongly, and one that is no choice is not allowed', () => {
  expect(issuesOf(schema, { name: 5, colour: 'GREEN' })).toEqual([
    { path: ['name'], code: 'INVALID_FORMAT', message: 'This must be a string.' },
    { path: ['colour'], code: 'NOT_ALLOWED', message: 'One of: RED, BLUE.' },
  ])
})

test('every field that does not exist is named by itself', () => {
  expect(issuesOf(z.object({ a: z.strictObject({}) }), { a: { b: 1, c: 2 } })).toEqual([
    { path: ['a', 'b'], code: 'NOT_ALLOWED', message: 'There is no such field.' },
    { path: ['a', 'c'], code: 'NOT_ALLOWED', message: 'There is no such field.' },
  ])
})
