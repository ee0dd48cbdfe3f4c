import type { MemberRole } from '../../platform/auth/roles.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'

export const Role = describeEnum<MemberRole>('Role', 'What a member of a workspace is, from most to least.', {
  OWNER: 'Does everything, and answers for the workspace.',
  ADMIN: 'Does everything but what makes, changes or removes owners.',
  MEMBER: 'Works with everything, and looks after their own keys.',
  VIEWER: 'Sees everything and changes nothing.',
})
