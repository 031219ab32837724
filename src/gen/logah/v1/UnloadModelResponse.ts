// Original file: proto/logah/v1/admin.proto


export interface UnloadModelResponse {
}

export interface UnloadModelResponse__Output {
}
