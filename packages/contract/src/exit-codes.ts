/** Exit codes of the executor (contract §2.3). A user's process keeps its own. */
export const EXIT_OK = 0;
/** A fatal log: wrong log flags, a mandatory variable that is missing. */
export const EXIT_FATAL = 1;
/** Where upstream panics: unreadable template, wrong `ARGO_DEADLINE`, no Kubernetes configuration. */
export const EXIT_PANIC = 2;
/** Any other error. */
export const EXIT_ERROR = 64;
/** Init-less: what had to happen before main failed. */
export const EXIT_PRE_MAIN_FAILED = 65;
