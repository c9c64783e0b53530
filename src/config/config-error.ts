/** An invalid configuration: one line that says what is wrong and what would be right. Exit code 2. */
export class ConfigError extends Error {}
