export declare function buildHostctl(): Promise<void>;
