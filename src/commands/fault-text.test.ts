import { describe, expect, test } from 'vitest'
import { StartFault } from '../platform/lib/start-fault.ts'
import { faultText } from './fault-text.ts'

const LOOK = '  LOG_LEVEL=debug shows where: set it and start again.\n'

describe('a command that fails', () => {
  test('for a reason that was foreseen says what is wrong and what helps, and never a stack', () => {
    const fault = new StartFault('Port 4000 is taken.', 'PORT=4001 npm start')
    expect(faultText(fault, true)).toBe('✖ Port 4000 is taken.\n  PORT=4001 npm start\n')
    expect(faultText(new StartFault('There is no file.'), false)).toBe('✖ There is no file.\n')
  })

  test('for another one says its first line, and how to see more', () => {
    const text = faultText(new Error('\n  connection lost \n  at once\n'), false)
    expect(text).toBe(`✖ This should not have happened: connection lost\n${LOOK}`)
  })

  test('shows the stack to who asks for it', () => {
    const err = new Error('boom')
    expect(faultText(err, true)).toBe(`✖ This should not have happened: boom\n${err.stack}\n`)
    err.stack = undefined as never
    expect(faultText(err, true)).toContain('It has no stack.')
  })

  test.each([
    ['nothing', undefined, 'undefined'],
    ['a text', 'out of paper', 'out of paper'],
    ['an error without a word', new Error(' \n '), 'an error without a message'],
  ])('for %s says as much as there is', (_what, err, words) => {
    expect(faultText(err, false)).toBe(`✖ This should not have happened: ${words}\n${LOOK}`)
  })
})
