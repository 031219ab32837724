{{- define "logah.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "logah.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "logah.labels" -}}
{{ include "logah.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "logah.serviceAccount" -}}
{{- default (ternary (include "logah.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "logah.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- $tag := default (printf "%s%s" .Chart.AppVersion (ternary "-cuda" "" (eq .Values.variant "cuda"))) .Values.image.tag -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}

{{- define "logah.tlsSecret" -}}
{{- default (printf "%s-tls" (include "logah.fullname" .)) .Values.tls.secretName -}}
{{- end -}}

{{/* Plain text is said twice or not at all. */}}
{{- define "logah.checkValues" -}}
{{- if and .Values.tls.enabled .Values.plainText -}}
{{- fail "plainText=true and tls.enabled=true contradict each other: set tls.enabled=false where a mesh or the network encrypts" -}}
{{- end -}}
{{- if not (or .Values.tls.enabled .Values.plainText) -}}
{{- fail "tls.enabled=false leaves the service in plain text: set plainText=true where a mesh or the network encrypts" -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.enabled=true needs tls.certManager.issuerRef.name" -}}
{{- end -}}
{{- $needed := dict "pvc" .Values.models.pvc.claimName "ociImage" .Values.models.ociImage.reference "initContainer" .Values.models.initContainer.image -}}
{{- if and (hasKey $needed .Values.models.source) (not (get $needed .Values.models.source)) -}}
{{- fail (printf "models.source=%s needs models.%s.%s" .Values.models.source .Values.models.source (get (dict "pvc" "claimName" "ociImage" "reference" "initContainer" "image") .Values.models.source)) -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (hasKey .Values.settings "MAX_STREAMS") (ge (int .Values.autoscaling.streamsPerPod) (int .Values.settings.MAX_STREAMS)) -}}
{{- fail "autoscaling.streamsPerPod must be less than settings.MAX_STREAMS: pods refuse calls before another one starts" -}}
{{- end -}}
{{- end -}}

{{/* The kubelet's gRPC probes speak plain text alone; with TLS it asks over HTTP. */}}
{{- define "logah.probe" -}}
{{- if .root.Values.tls.enabled -}}
httpGet:
  port: metrics
  path: {{ .path }}
{{- else -}}
grpc:
  port: 50051
  {{- if eq .path "/readyz" }}
  service: logah.v1.LogahService
  {{- end }}
{{- end -}}
{{- end -}}
