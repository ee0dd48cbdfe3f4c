import { expect, test } from 'vitest'
import { changed, sentenceOf } from '../../../test/support/event-sentence.ts'
import { memberEvents, workspaceEvents } from './events.ts'

test('what is changed of a workspace and its members reads as a sentence', async () => {
  const changes = [changed('name', 'Acme'), changed('dailyBudget', '$2.00')]
  expect(await sentenceOf(workspaceEvents.updated, { changes })).toBe('MEMBER changed the workspace: name, dailyBudget')
  expect(await sentenceOf(workspaceEvents.settingsChanged, { changes: [changed('maxTurns', '5', '12')] })).toBe(
    'MEMBER changed settings: maxTurns from 12 to 5',
  )
  expect(await sentenceOf(memberEvents.updated, { changes: [changed('name', 'Grace')] })).toBe(
    'MEMBER changed {member 1}: name',
  )
  expect(await sentenceOf(memberEvents.updated, { changes: [changed('role', 'ADMIN', 'VIEWER')] })).toBe(
    'MEMBER made {member 1} ADMIN, who was VIEWER',
  )
  expect(await sentenceOf(memberEvents.removed)).toBe('MEMBER removed {member 1} from the workspace')
  expect(await sentenceOf(memberEvents.suspended)).toBe('The account of {member 1} was suspended')
  expect(await sentenceOf(memberEvents.restored)).toBe('The account of {member 1} was restored')
})
