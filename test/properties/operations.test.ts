import { testOperations } from './operations.ts'

testOperations({ places: 'MEANING', valuesPerPlace: 1, calls: 200, subscriptions: 100 })
