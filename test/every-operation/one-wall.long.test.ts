import { testBehindOneWall } from './behind-one-wall.ts'

testBehindOneWall('WHOLE')
