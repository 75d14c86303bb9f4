import { setDiskSpeed } from "./slow-disk.ts";

// Imported into an executor of a test by NODE_OPTIONS: for those, too, a slow disk is one whose writes wait.
setDiskSpeed(Number(process.env.TEST_DISK_BYTES_PER_SECOND));
