import { openLog } from 'espalier/storage'
import { compiledStorage } from './compiled.ts'
import { describeLog } from './log-contract.ts'
import { lmdbStores, memoryStores } from './stores.ts'

describeLog(memoryStores, openLog)
describeLog(await lmdbStores(), (await compiledStorage()).openLog)
