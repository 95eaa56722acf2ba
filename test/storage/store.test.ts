import { describeStore } from './store-contract.ts'
import { lmdbStores, memoryStores } from './stores.ts'

describeStore(memoryStores)
describeStore(await lmdbStores())
