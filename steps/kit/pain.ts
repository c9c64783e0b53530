export async function painCommand(_args: string[]): Promise<void> {}
