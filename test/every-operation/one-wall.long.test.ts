import { testBehindOneWall } from './behind-one-wall.ts'

testBehindOneWall(process.env.FULL === '1' ? 'WHOLE' : 'BRIEF')
