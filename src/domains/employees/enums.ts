import { describeEnum } from '../../platform/graphql/enum.ts'
import type { EmployeeRole } from './model.ts'

export const EmployeeRoleEnum = describeEnum<EmployeeRole>('EmployeeRole', 'What an employee is hired for.', {
  SALES_AE: 'Account executive: leads opportunities to a close.',
  SDR: 'Sales development: answers, qualifies and books.',
  CSM: 'Customer success: sees that customers get what they came for.',
  PM: 'Project or product management.',
  RECRUITER: 'Finds people.',
  SUPPORT: 'Answers customers’ questions.',
  ASSISTANT: 'Takes work off somebody.',
  CHIEF_OF_STAFF: 'Keeps the whole in view for whoever leads it.',
  CUSTOM: 'Something of its own: its instructions say what.',
})
