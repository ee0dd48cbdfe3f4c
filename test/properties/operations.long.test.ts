import { manyRuns } from './house.ts'
import { testOperations } from './operations.ts'

testOperations({ places: 'PLACE', valuesPerPlace: manyRuns(3), calls: manyRuns(5_000), subscriptions: manyRuns(1_000) })
