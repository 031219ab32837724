// Original file: proto/logah/v1/logah.proto


export interface ListModelsRequest {
}

export interface ListModelsRequest__Output {
}
