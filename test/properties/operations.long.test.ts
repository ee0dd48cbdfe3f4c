import { manyRuns } from './house.ts'
import { testOperations } from './operations.ts'

testOperations({ places: 'PLACE', valuesPerPlace: manyRuns(1), calls: manyRuns(1_000), subscriptions: manyRuns(300) })
