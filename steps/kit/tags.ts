export async function tagsCommand(_args: string[]): Promise<void> {}
