// Original file: proto/logah/v1/logah.proto


export interface GetActivityRequest {
}

export interface GetActivityRequest__Output {
}
